import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FalcoStandIn } from '../../support/falco-stand-in.ts';

let falco: FalcoStandIn;
beforeEach(async () => {
  falco = await FalcoStandIn.start();
});
afterEach(() => falco.stop());

const event = (auditID: string, more = '') =>
  `{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"${auditID}"${more},"stageTimestamp":"2026-01-02T03:04:05.000006Z"}`;
const list = (...items: string[]) => `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[${items.join(',')}]}`;

function send(body: string | Buffer, options: { method?: string; path?: string; type?: string } = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request(
      new URL(options.path ?? falco.path, falco.url),
      { method: options.method ?? 'POST', headers: { 'content-type': options.type ?? 'application/json' }, agent: false },
      (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}

describe('the stand-in answers as the webhook does', () => {
  it('takes only POST of JSON on its one path', async () => {
    expect(await send('', { method: 'GET' })).toBe(405);
    expect(await send(event('a'), { type: 'text/plain' })).toBe(400);
    expect(await send(event('a'), { path: '/k8s-audit/' })).toBe(404);
    expect(await send('', { path: '/other', method: 'GET' })).toBe(404);
    expect(await send(event('a'), { type: 'application/json; charset=utf-8' })).toBe(200);
    expect(falco.events).toEqual([event('a')]);
  });

  it('answers 400 above the body limit, to the byte', async () => {
    const pad = (size: number) => Buffer.from(event('a')).toString().padEnd(size);
    expect(await send(pad(12_582_912))).toBe(200);
    expect(await send(pad(12_582_913))).toBe(400);
    expect(falco.events).toHaveLength(1);
  });

  it('answers 200 to what it then drops', async () => {
    for (const body of [
      '',
      '{',
      '[1',
      '{}',
      list(),
      `[${event('a')},{"kind":"Pod"}]`,
      `${list(event('a'))}x`,
      list(event('a'), '{"a":}'),
    ]) {
      expect(await send(body)).toBe(200);
    }
    expect(falco.events).toEqual([]);
    expect(falco.dropped).toHaveLength(8);
  });

  it('takes what kube-apiserver sends: the items of its lists have no kind of their own', async () => {
    const item = '{"level":"Metadata","auditID":"a","stageTimestamp":"2026-01-01T00:00:00.000000Z"}';
    expect(await send(list(item))).toBe(200);
    expect(falco.events).toEqual([item]);
  });

  it('drops only the bad item of an EventList, keeps raw texts', async () => {
    const odd = event('b', ', "x" : [ 1e400 , NaN , "\\u00e9\t" ]');
    const large = event('c', `,"x":"${'y'.repeat(262_144)}"`);
    expect(await send(list(event('a'), '{"kind":"Pod"}', odd, '{"kind":"Event"}', large, '7'))).toBe(200);
    expect(falco.events).toEqual([event('a'), odd]);
    expect(falco.dropped.map((d) => d.reason)).toEqual([
      'no parsable stageTimestamp',
      'no parsable stageTimestamp',
      'larger than maxEventSize',
      'no parsable stageTimestamp',
    ]);
    expect(falco.bodies.map((b) => b.form)).toEqual(['EventList']);
  });

  it('fails on request, and comes back on the same port', async () => {
    falco.script({ kind: 'status', code: 503 }, { kind: 'reset-before-body' }, { kind: 'reset-after-body' });
    expect(await send(event('a'))).toBe(503);
    await expect(send(event('b'))).rejects.toThrow();
    await expect(send(event('c'))).rejects.toThrow();
    expect(falco.events).toEqual([event('c')]);
    await falco.refuse();
    await expect(send(event('d'))).rejects.toThrow('ECONNREFUSED');
    await falco.listen();
    expect(await send(event('e'))).toBe(200);
    expect(falco.events).toEqual([event('c'), event('e')]);
  });
});
