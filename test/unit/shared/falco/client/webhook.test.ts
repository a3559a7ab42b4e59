import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditRecord } from '../../../../../shared/audit/record.ts';
import { parseWebhookConfig, type WebhookConfig } from '../../../../../shared/falco/client/config.ts';
import { createTransport } from '../../../../../shared/falco/client/transport.ts';
import { createWebhookDestination } from '../../../../../shared/falco/client/webhook.ts';
import { systemClock } from '../../../../../shared/platform/clock.ts';
import {
  type HttpAnswer,
  type HttpRequest,
  type HttpTransport,
  type Transport,
  TransportError,
} from '../../../../../shared/platform/http.ts';
import { FalcoStandIn } from '../../../../support/falco-stand-in.ts';
import { VirtualClock } from '../../../../support/virtual-clock.ts';

const random = { next: () => 0.5, hex: () => '' };

function record(name: string | number, more = ''): AuditRecord {
  const raw = `{"kind":"Event","auditID":"${name}"${more},"stageTimestamp":"2026-01-02T03:04:05Z"}`;
  return { raw: Buffer.from(raw), origin: { kind: 'file', path: 'test', offset: 0, line: 1 }, identity: {} };
}
const records = (count: number) => Array.from({ length: count }, (_, n) => record(n));

/** The mark as a leading member: where the audit layer puts it is its own matter. */
const restamp = (of: AuditRecord, attempt: number) => Buffer.from(Buffer.from(of.raw).toString().replace('{', `{"attempt":"${attempt}",`));

const idsOf = (texts: readonly string[]) => texts.map((text) => JSON.parse(text).auditID as string);
const attemptsOf = (texts: readonly string[]) => texts.map((text) => Number(JSON.parse(text).attempt ?? 1));

describe('against a receiver', () => {
  let falco: FalcoStandIn;
  let transport: HttpTransport;
  beforeEach(async () => {
    falco = await FalcoStandIn.start();
    transport = createTransport(parseWebhookConfig({ url: falco.url }), systemClock);
  });
  afterEach(async () => {
    transport.close();
    await falco.stop();
  });

  const destination = (more: Partial<WebhookConfig> = {}, url = falco.url) =>
    createWebhookDestination(parseWebhookConfig({ url, backoffBaseMs: 1, ...more }), { transport, clock: systemClock, random, restamp });
  const soon = (attempt = 1) => ({ deadlineMs: Date.now() + 20_000, attempt });

  it('delivers every event once, in EventLists under the limits, raw texts untouched', async () => {
    const batch = records(250);
    const report = await destination({ maxBodyEvents: 40, maxBodyBytes: 2048 }).deliver(batch, soon());
    expect(report).toEqual({ outcomes: batch.map(() => ({ kind: 'delivered' })), resent: { bodies: 0, records: 0 } });
    expect([...falco.events].sort()).toEqual(batch.map((r) => r.raw.toString()).sort());
    expect(falco.dropped).toEqual([]);
    for (const body of falco.bodies) {
      expect(body.form).toBe('EventList');
      expect(body.bytes.byteLength).toBeLessThanOrEqual(2048);
    }
  });

  it('bounds concurrency over all deliveries together', async () => {
    falco.behave({ kind: 'slow', ms: 10 });
    const to = destination({ maxBodyEvents: 1, concurrency: 3 });
    await Promise.all([to.deliver(records(8), soon()), to.deliver(records(8), soon())]);
    expect(falco.maxInFlight).toBe(3);
    expect(falco.events).toHaveLength(16);
  });

  it.each([
    [404, 'the path is wrong'],
    [405, 'POST is not taken there'],
    [400, 'webhookMaxBatchSize'],
    [413, 'lower maxBodyBytes'],
    [403, 'a proxy in front of Falco'],
    [302, 'check where the URL leads'],
    [202, 'expected 200'],
  ])('names %i as a configuration error and does not try again', async (code, remedy) => {
    falco.behave({ kind: 'status', code });
    const report = await destination().deliver(records(2), soon());
    expect(report.outcomes).toHaveLength(2);
    for (const outcome of report.outcomes) {
      expect(outcome).toMatchObject({
        kind: 'refused',
        reason: expect.stringContaining(`configuration error: ${falco.url} answered ${code}`),
      });
      expect(outcome).toMatchObject({ reason: expect.stringContaining(remedy) });
    }
    expect(falco.answers).toHaveLength(1);
  });

  it('finds out about a wrong path once, not once per body', async () => {
    const report = await destination({ maxBodyEvents: 1, concurrency: 1 }, `${falco.url}/`).deliver(records(50), soon());
    expect(new Set(report.outcomes.map((outcome) => outcome.kind))).toEqual(new Set(['refused']));
    expect(falco.answers).toHaveLength(1);
  });

  it('goes on after a body that is too large for the receiver', async () => {
    falco.script({ kind: 'status', code: 400 });
    const report = await destination({ maxBodyEvents: 1, concurrency: 1 }).deliver(records(3), soon());
    expect(report.outcomes.map((outcome) => outcome.kind)).toEqual(['refused', 'delivered', 'delivered']);
  });

  it('sends again, marked and counted, what it got no answer for', async () => {
    falco.script({ kind: 'reset-after-body' }, { kind: 'reset-after-body' });
    const report = await destination({ concurrency: 1 }).deliver(records(3), soon());
    expect(report.outcomes.map((outcome) => outcome.kind)).toEqual(['delivered', 'delivered', 'delivered']);
    expect(report.resent).toEqual({ bodies: 1, records: 3 });
    expect(idsOf(falco.events)).toEqual(['0', '1', '2', '0', '1', '2', '0', '1', '2']);
    expect(attemptsOf(falco.events)).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3]);
  });

  it('starts counting at the attempt it is told', async () => {
    falco.script({ kind: 'reset-after-body' });
    await destination().deliver(records(1), soon(4));
    expect(attemptsOf(falco.events)).toEqual([4, 5]);
  });

  it('does not mark what was never taken: refused connections and 503', async () => {
    falco.script({ kind: 'status', code: 503 }, { kind: 'status', code: 429 });
    const report = await destination().deliver(records(3), soon());
    expect(report.resent.bodies).toBe(0);
    expect(attemptsOf(falco.events)).toEqual([1, 1, 1]);
  });

  it('says so when a time-out leaves it open whether the records arrived', async () => {
    falco.behave({ kind: 'hang' });
    const report = await destination({ retries: 0, requestTimeoutMs: 300 }).deliver(records(1), soon());
    expect(report.outcomes).toEqual([{ kind: 'undelivered', reason: expect.stringContaining('ETIMEDOUT_ANSWER'), ambiguous: true }]);
    await falco.refuse();
    const refused = await destination({ retries: 1 }).deliver(records(1), soon());
    expect(refused.outcomes).toEqual([{ kind: 'undelivered', reason: `no connection to ${falco.url} (ECONNREFUSED)` }]);
  });

  it('sends one event over the body target alone, refuses what the webhook can never take', async () => {
    const batch = [
      record('a'),
      record('big', `,"x":"${'y'.repeat(200_000)}"`),
      record('b'),
      record('huge', `,"x":"${'y'.repeat(12_582_912)}"`),
    ];
    const report = await destination({ maxBodyBytes: 4096 }).deliver(batch, soon());
    expect(report.outcomes.map((outcome) => outcome.kind)).toEqual(['delivered', 'delivered', 'delivered', 'refused']);
    expect(idsOf(falco.events).sort()).toEqual(['a', 'b', 'big']);
    expect(falco.bodies).toHaveLength(3);
  });
});

/** The network, scripted: each try is delivered, fails, or hangs until its signal aborts. Records what arrived. */
class ScriptedTransport implements Transport {
  readonly arrived: string[][] = [];
  readonly tries: number[] = [];
  readonly #clock: VirtualClock;
  readonly #next: () => 'ok' | 'refused' | 'lost' | 'hang' | number;

  constructor(clock: VirtualClock, next: () => 'ok' | 'refused' | 'lost' | 'hang' | number) {
    this.#clock = clock;
    this.#next = next;
  }

  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    this.tries.push(this.#clock.now());
    const next = this.#next();
    await this.#clock.sleep(10);
    if (typeof next === 'number') return { status: next, text: '' };
    if (next === 'refused') throw new TransportError('ECONNREFUSED', 'refused', 'no');
    const list = JSON.parse(Buffer.from(request.body).toString()) as { items: unknown[] };
    this.arrived.push(list.items.map((item) => JSON.stringify(item)));
    if (next === 'ok') return { status: 200, text: '' };
    if (next === 'lost') throw new TransportError('ECONNRESET', 'reset', 'maybe');
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    throw new TransportError('ETIMEDOUT_ANSWER', 'late', 'maybe');
  }
}

describe('in virtual time', () => {
  const make = (next: () => 'ok' | 'refused' | 'lost' | 'hang' | number, more: Partial<WebhookConfig> = {}) => {
    const clock = new VirtualClock();
    const transport = new ScriptedTransport(clock, next);
    const config = parseWebhookConfig({ url: 'http://falco:9765/k8s-audit', maxBodyEvents: 2, ...more });
    return { clock, transport, to: createWebhookDestination(config, { transport, clock, random, restamp }) };
  };

  it('backs off with growing waits, jittered, capped', async () => {
    const { clock, transport, to } = make(() => 'refused', { retries: 6, backoffBaseMs: 100, backoffCapMs: 1000, breakerFailures: 1000 });
    await clock.run(to.deliver(records(1), { deadlineMs: clock.now() + 60_000, attempt: 1 }));
    const waits = transport.tries.slice(1).map((at, n) => at - transport.tries[n]! - 10);
    expect(waits).toEqual([50, 100, 200, 400, 500, 500]);
  });

  it('returns by the deadline, whatever happens', async () => {
    for (const kind of ['hang', 'refused', 'lost'] as const) {
      const { clock, to } = make(() => kind, { retries: 100, backoffCapMs: 3000, breakerFailures: 1000, concurrency: 1 });
      const deadlineMs = clock.now() + 20_000;
      const report = await clock.run(to.deliver(records(6), { deadlineMs, attempt: 1 }));
      expect(clock.now()).toBeLessThanOrEqual(deadlineMs);
      expect(new Set(report.outcomes.map((outcome) => outcome.kind))).toEqual(new Set(['undelivered']));
    }
  });

  it('tries nothing when there is no time', async () => {
    const { clock, transport, to } = make(() => 'ok');
    const report = await clock.run(to.deliver(records(1), { deadlineMs: clock.now() + 100, attempt: 1 }));
    expect(report.outcomes).toEqual([{ kind: 'undelivered', reason: 'no time left' }]);
    expect(transport.tries).toEqual([]);
  });

  it('leaves Falco alone while the circuit is open, then probes with one body', async () => {
    let up = false;
    const { clock, transport, to } = make(() => (up ? 'ok' : 'refused'), {
      retries: 0,
      breakerFailures: 3,
      breakerOpenMs: 5000,
      concurrency: 1,
    });
    const context = () => ({ deadlineMs: clock.now() + 60_000, attempt: 1 });
    const first = await clock.run(to.deliver(records(20), context()));
    expect(transport.tries).toHaveLength(3);
    expect(first.outcomes[19]).toEqual({
      kind: 'undelivered',
      reason: 'circuit open: http://falco:9765/k8s-audit failed 3 times in a row',
    });
    clock.jump(5000);
    await clock.run(to.deliver(records(20), context()));
    expect(transport.tries).toHaveLength(4);
    clock.jump(5000);
    up = true;
    const last = await clock.run(to.deliver(records(20), context()));
    expect(new Set(last.outcomes.map((outcome) => outcome.kind))).toEqual(new Set(['delivered']));
  });

  it('tells the truth about every record under any mix of faults', async () => {
    const fault = fc.constantFrom<'ok' | 'refused' | 'lost' | 'hang' | number>('ok', 'ok', 'refused', 'lost', 'hang', 503, 502, 400, 404);
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { maxLength: 40 }), fc.integer({ min: 0, max: 30 }), async (faults, count) => {
        const script = faults.values();
        const { clock, transport, to } = make(() => script.next().value ?? 'ok', { concurrency: 3, breakerFailures: 4 });
        const batch = records(count);
        const report = await clock.run(to.deliver(batch, { deadlineMs: clock.now() + 120_000, attempt: 1 }));
        const arrivals = new Map<string, number[]>();
        for (const text of transport.arrived.flat()) {
          const { auditID, attempt } = JSON.parse(text) as { auditID: string; attempt?: string };
          arrivals.set(auditID, [...(arrivals.get(auditID) ?? []), Number(attempt ?? 1)]);
        }
        expect(report.outcomes).toHaveLength(count);
        for (const [n, outcome] of report.outcomes.entries()) {
          const seen = arrivals.get(String(n)) ?? [];
          if (outcome.kind === 'delivered') expect(seen.length).toBeGreaterThan(0);
          if (outcome.kind === 'undelivered' && seen.length > 0) expect(outcome.ambiguous).toBe(true);
          // Only the first arrival may be unmarked, and marks grow.
          for (let k = 1; k < seen.length; k++) expect(seen[k]!).toBeGreaterThan(seen[k - 1]!);
        }
        const twice = [...arrivals.values()].filter((seen) => seen.length > 1).length;
        expect(twice).toBeLessThanOrEqual(report.resent.records);
      }),
    );
  });
});
