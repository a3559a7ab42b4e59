import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auditEvent } from '../../../../../events/generate.ts';
import { type DecodedItem, decodeDelivery, prepare } from '../../../../../shared/audit/index.ts';
import { envelopeText } from '../../../../support/audit-containers.ts';

/** Any text, from one-byte characters to surrogate pairs. */
const anyText = (maxLength: number) =>
  fc
    .array(
      fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0x80, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff })),
      { maxLength },
    )
    .map((codes) => String.fromCodePoint(...codes));

const wrap = (text: string | Buffer) => ({ awslogs: { data: gzipSync(text).toString('base64') } });
const texts = (items: readonly DecodedItem[]) =>
  items.flatMap((item) => (item.kind === 'record' ? [Buffer.from(item.record.raw).toString()] : []));
const summary = (items: readonly DecodedItem[]) =>
  items.map((item) => (item.kind === 'record' ? 'record' : item.kind === 'skipped' ? `${item.reason} ${item.count}` : item.reject.reason));

const pod = auditEvent('privileged-pod');
const secret = auditEvent('secret-get');

describe('decodeDelivery', () => {
  it('gives envelope, identity and origin', () => {
    const { envelope, items } = decodeDelivery(wrap(envelopeText([pod, secret])), { identity: { region: 'eu-west-1' } });
    expect(envelope).toEqual({
      messageType: 'DATA_MESSAGE',
      account: '123456789012',
      logGroup: '/aws/eks/prod/cluster',
      logStream: 'kube-apiserver-audit-2f5ba1d5e3a64b0f9b8c6f0e6a1d4c37',
      subscriptionFilters: ['tiercel'],
    });
    expect(texts(items)).toEqual([pod, secret]);
    expect(items[1]).toMatchObject({
      record: {
        identity: { cluster: 'prod', account: '123456789012', region: 'eu-west-1' },
        origin: { kind: 'cloudwatch', account: '123456789012', eventId: `${'3'.repeat(55)}1`, timestampMs: 1_795_249_495_001 },
      },
    });
  });

  it('gives messages byte for byte, whatever characters they hold and however the envelope spells them', () => {
    fc.assert(
      fc.property(anyText(30), fc.boolean(), (text, ascii) => {
        const event = `{"kind":"Event","auditID":${JSON.stringify(text)}}`;
        const plain = envelopeText([event]);
        const spelled = ascii ? plain.replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`) : plain;
        expect(texts(decodeDelivery(wrap(spelled)).items)).toEqual([Buffer.from(event).toString()]);
      }),
      { numRuns: 150 },
    );
  });

  it('keeps a lone surrogate as the escape that stood for it', () => {
    const message = `{"kind":"Event","auditID":"a\ud800b","x":"\udc00"}`;
    expect(texts(decodeDelivery(wrap(envelopeText([message]))).items)).toEqual(['{"kind":"Event","auditID":"a\\ud800b","x":"\\udc00"}']);
  });

  it('reads members in any order, with blanks, and ignores those it does not know', () => {
    const { logEvents, ...header } = JSON.parse(envelopeText([pod])) as { logEvents: object[] };
    const events = logEvents.map((event) => ({ extractedFields: { a: ['"message":', 1] }, ...event }));
    for (const envelope of [
      { ...header, '@aws.region': 'eu-west-1', logEvents: events },
      { logEvents: events, ...header },
    ]) {
      expect(texts(decodeDelivery(wrap(JSON.stringify(envelope, undefined, 2))).items)).toEqual([pod]);
    }
  });

  it('names what is no delivery', () => {
    const reasonOf = (event: unknown) => summary(decodeDelivery(event).items);
    for (const event of [undefined, null, 1, 'x', [], {}, { awslogs: {} }, { awslogs: { data: 1 } }])
      expect(reasonOf(event)).toEqual(['not-a-delivery']);
    expect(reasonOf({ awslogs: { data: '***' } })).toEqual(['bad-base64']);
    expect(reasonOf({ awslogs: { data: '' } })).toEqual(['bad-base64']);
    expect(reasonOf({ awslogs: { data: Buffer.from('{}').toString('base64') } })).toEqual(['bad-gzip']);
    expect(reasonOf(wrap(''))).toEqual(['empty 1']);
    expect(reasonOf(wrap('{"hello":"world"}'))).toEqual(['not-an-audit-event']);
    expect(reasonOf(wrap(gzipSync('{}')))).toEqual(['bad-gzip']);
    expect(summary(decodeDelivery(wrap(Buffer.alloc(2_000_000)), { maxInflatedBytes: 1_000_000 }).items)).toEqual(['inflation-limit']);
    expect(decodeDelivery({ awslogs: { data: 'H4sI' } }).items[0]).toMatchObject({ reject: { bytes: Buffer.from('H4sI', 'base64') } });
  });

  it('joins the parts of a split event, however many, and salvages what cannot be joined', () => {
    const third = Math.ceil(pod.length / 3);
    const parts = [pod.slice(0, third), pod.slice(third, 2 * third), pod.slice(2 * third)];
    expect(texts(decodeDelivery(wrap(envelopeText([secret, ...parts, secret]))).items)).toEqual([secret, pod, secret]);
    const cases: readonly [readonly string[], readonly string[]][] = [
      [
        [parts[0]!, secret],
        ['record', 'record'],
      ],
      [
        [parts[0]!, parts[1]!],
        ['record', 'continuation 1'],
      ],
      [
        [parts[0]!, parts[2]!, secret],
        ['record', 'continuation 1', 'record'],
      ],
      [
        [parts[1]!, parts[2]!, secret],
        ['continuation 1', 'continuation 1', 'record'],
      ],
      [
        [parts[0]!, pod.slice(0, 1500)],
        ['record', 'record'],
      ],
      [
        [`${parts[0]}[Truncated...]`, parts[1]!],
        ['record', 'continuation 1'],
      ],
      [
        ['', '  ', secret],
        ['empty 1', 'empty 1', 'record'],
      ],
    ];
    for (const [messages, expected] of cases) expect(summary(decodeDelivery(wrap(envelopeText(messages))).items)).toEqual(expected);
  });

  it('joins wherever the agent cut, also where the tail looks like a value', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: pod.length - 1 }), (at) => {
        expect(texts(decodeDelivery(wrap(envelopeText([pod.slice(0, at), pod.slice(at)]))).items)).toEqual([pod]);
      }),
    );
  });

  it('joins a cut inside a string between blanks', () => {
    const text = '{"kind":"Event","auditID":"a","x":"b  c"}';
    const at = text.indexOf('  c') + 1;
    expect(texts(decodeDelivery(wrap(envelopeText([text.slice(0, at), text.slice(at)]))).items)).toEqual([text]);
  });

  it('salvages every head that says who did what, with the truncated mark and the time of the log', () => {
    const who = pod.indexOf('"sourceIPs"');
    fc.assert(
      fc.property(fc.integer({ min: 1, max: pod.length - 1 }), fc.boolean(), (at, suffix) => {
        const [item] = decodeDelivery(wrap(envelopeText([`${pod.slice(0, at)}${suffix ? '[Truncated...]' : ''}`]))).items;
        if (item?.kind !== 'record') throw new Error('expected a record');
        const prepared = prepare(item.record, {}, { maxEventBytes: 262_144 });
        if (at < who) {
          expect(prepared).toMatchObject({ kind: 'rejected', reject: { reason: 'truncated-beyond-salvage' } });
          return;
        }
        if (prepared.kind !== 'record') throw new Error(prepared.reject.message);
        expect(prepared.salvaged).toBe(true);
        const event = JSON.parse(Buffer.from(prepared.record.raw).toString());
        const whole = JSON.parse(pod);
        expect(event.annotations['audit.k8s.io/truncated']).toBe('true');
        expect([whole.stageTimestamp, '2026-11-21T08:24:55.000Z']).toContain(event.stageTimestamp);
        for (const name of ['kind', 'auditID', 'stage', 'requestURI', 'verb', 'user']) expect(event[name]).toEqual(whole[name]);
        for (const name of ['objectRef', 'requestObject', 'responseObject']) if (name in event) expect(event[name]).toEqual(whole[name]);
      }),
    );
  });

  it('loses no event but the damaged one of a damaged envelope', () => {
    const events = [secret, pod, auditEvent('exec-started'), auditEvent('list-services'), secret];
    const whole = Buffer.from(envelopeText(events));
    const from = whole.indexOf('"logEvents"');
    fc.assert(
      fc.property(fc.integer({ min: from + 14, max: whole.length - 4 }), fc.nat({ max: 255 }), (at, byte) => {
        const damaged = Buffer.from(whole);
        damaged[at] = byte;
        const got = texts(decodeDelivery(wrap(damaged)).items);
        expect(events.filter((event) => !got.includes(event)).length).toBeLessThanOrEqual(2);
      }),
      // Damage that makes the envelope seem to end, or a line begin, in the middle.
      {
        numRuns: 400,
        examples: [
          [4169, 0],
          [1371, 0x7d],
          [304, 0x0a],
        ],
      },
    );
  });

  it('never throws, whatever the bytes', () => {
    const good = gzipSync(envelopeText([pod, secret]));
    fc.assert(
      fc.property(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 }), fc.nat({ max: good.length }), (at, byte, length) => {
        const damaged = Buffer.from(good.subarray(0, length));
        if (at < length) damaged[at] = byte;
        expect(decodeDelivery({ awslogs: { data: damaged.toString('base64') } }).items.length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
    const text = gunzipSync(good).toString('latin1');
    fc.assert(
      fc.property(fc.nat({ max: text.length }), fc.nat({ max: text.length }), (a, b) => {
        expect(decodeDelivery(wrap(Buffer.from(text.slice(0, a) + text.slice(b), 'latin1'))).items.length).toBeGreaterThan(0);
      }),
      { numRuns: 300 },
    );
  });

  it('never puts the content of an event into a message', () => {
    const { items } = decodeDelivery(wrap(envelopeText([secret.replace('"verb"', 'sesame')])));
    expect(summary(items)).toEqual(['invalid-json']);
    expect(items[0]).toMatchObject({ reject: { message: expect.not.stringContaining('sesame') } });
  });
});
