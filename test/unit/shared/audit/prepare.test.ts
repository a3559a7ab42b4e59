import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auditEvent, SAMPLE_MAC_KEY } from '../../../../events/generate.ts';
import { type AuditRecord, eventFacts, prepare, restamp, verifyMac } from '../../../../shared/audit/index.ts';

const CLOUDWATCH = {
  kind: 'cloudwatch',
  account: '123456789012',
  logGroup: '/aws/eks/prod/cluster',
  logStream: 'kube-apiserver-audit-1',
  eventId: '1',
  timestampMs: 1_795_249_495_000,
} as const;
const IDENTITY = { cluster: 'prod', account: '123456789012', region: 'eu-west-1' };
const LIMIT = 262_144;

const record = (text: string, more: Partial<AuditRecord> = {}): AuditRecord => ({
  raw: Buffer.from(text),
  origin: CLOUDWATCH,
  identity: IDENTITY,
  ...more,
});
const pod = auditEvent('privileged-pod');

function prepared(text: string, maxEventBytes = LIMIT) {
  const result = prepare(record(text), { mac: SAMPLE_MAC_KEY }, { maxEventBytes });
  if (result.kind === 'rejected') throw new Error(result.reject.message);
  return { ...result, text: Buffer.from(result.record.raw).toString(), event: JSON.parse(Buffer.from(result.record.raw).toString()) };
}

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 1;

/** The privileged pod with more in its request object. */
const withMember = (member: string) => pod.replace('"requestObject":{', `"requestObject":{${member},`);
const withMetadata = (member: string) => {
  const at = pod.indexOf('"metadata":{', pod.indexOf('"requestObject"')) + '"metadata":{'.length;
  return `${pod.slice(0, at)}${member},${pod.slice(at)}`;
};

describe('prepare', () => {
  it('stamps an event that Falco takes, and changes nothing else', () => {
    const { text, reduced, salvaged, record: made } = prepared(pod);
    const stamps =
      /"annotations":\{("cluster_name":"prod","tiercel.dev\/account":"123456789012","tiercel.dev\/region":"eu-west-1","tiercel.dev\/log-stream":"kube-apiserver-audit-1","tiercel.dev\/mac":"sample\.[\w-]{43}",)/;
    expect(text.replace(stamps, '"annotations":{')).toBe(pod);
    expect([reduced, salvaged]).toEqual([false, false]);
    expect(verifyMac([SAMPLE_MAC_KEY], JSON.parse(text).annotations['tiercel.dev/mac'], eventFacts(made)).ok).toBe(true);
  });

  it('signs what Falco reads, also where a stamp hides annotations that are spelled differently', () => {
    const spelled = pod
      .replace('"annotations":{', '"annotations":{"audit.k8s.io/truncated":"false",')
      .replace('{', '{"\\u0061nnotations":[],');
    const { text, record: made } = prepared(spelled);
    const mac = /"tiercel.dev\/mac":"([^"]+)"/.exec(text)?.[1];
    expect([eventFacts(record(spelled)).truncated, eventFacts(made).truncated]).toEqual(['false', '']);
    expect(verifyMac([SAMPLE_MAC_KEY], mac, eventFacts(made)).ok).toBe(true);
    expect(prepared(text).text).toBe(text);
  });

  it('stamps the digest of a URI that is long, not of one that only its spelling makes long', () => {
    const digestOf = (uri: string) =>
      prepared(pod.replace(/"requestURI":"[^"]*"/, `"requestURI":"${uri}"`)).event.annotations['tiercel.dev/uri-digest'];
    expect(digestOf(`/${'x'.repeat(600)}`)).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(digestOf(`/${'\\u0078'.repeat(100)}`)).toBeUndefined();
  });

  it('names the log stream of each record, also where those of one delivery come from two', () => {
    const streamOf = (logStream: string) => {
      const made = prepare(record(pod, { origin: { ...CLOUDWATCH, logStream } }), {}, { maxEventBytes: LIMIT });
      return made.kind === 'record' && JSON.parse(Buffer.from(made.record.raw).toString()).annotations['tiercel.dev/log-stream'];
    };
    for (const stream of ['a', 'a', 'b', 'a']) expect(streamOf(stream)).toBe(stream);
  });

  it('marks an event that the log agent cut, also where taking out blanks makes it fit', () => {
    const head = `${pod.slice(0, pod.indexOf('"requestObject"'))}${' '.repeat(LIMIT)}"requestObject":{"a":"b"},"responseObject":{"kind":"P[Truncated...]`;
    const made = prepare(record(head, { salvage: { timestampMs: CLOUDWATCH.timestampMs } }), {}, { maxEventBytes: LIMIT });
    expect(made).toMatchObject({ kind: 'record', reduced: false, salvaged: true });
    if (made.kind === 'record')
      expect(JSON.parse(Buffer.from(made.record.raw).toString()).annotations['audit.k8s.io/truncated']).toBe('true');
  });

  it('stamps only what is known', () => {
    const result = prepare(
      record(pod, { identity: {}, origin: { kind: 'file', path: 'x', offset: 0, line: 1 } }),
      {},
      { maxEventBytes: LIMIT },
    );
    expect(result).toMatchObject({ kind: 'record' });
    if (result.kind === 'record') expect(Buffer.from(result.record.raw).toString()).toBe(pod);
  });

  it('changes nothing the second time, and with another attempt only that', () => {
    const once = prepared(pod);
    expect(prepared(once.text).text).toBe(once.text);
    const again = Buffer.from(restamp(once.record, 2)).toString();
    expect(again.replace('"tiercel.dev/attempt":"2",', '')).toBe(once.text);
    expect(
      JSON.parse(Buffer.from(restamp({ ...once.record, raw: Buffer.from(again) }, 3)).toString()).annotations[
        'tiercel.dev/original-tiercel.dev/attempt'
      ],
    ).toBeUndefined();
  });

  it.each([
    ['not-an-audit-event', '{"kind":"Pod","auditID":"a","stageTimestamp":"2026-11-21T08:24:55Z"}'],
    ['not-an-audit-event', '{"auditID":"a","stageTimestamp":"2026-11-21T08:24:55Z"}'],
    ['not-an-audit-event', '{"\\u006bind":"Event","auditID":"a","stageTimestamp":"2026-11-21T08:24:55Z"}'],
    ['no-audit-id', '{"kind":"Event","stageTimestamp":"2026-11-21T08:24:55Z"}'],
    ['no-audit-id', '{"kind":"Event","auditID":"","stageTimestamp":"2026-11-21T08:24:55Z"}'],
    ['no-audit-id', '{"kind":"Event","auditID":null,"stageTimestamp":"2026-11-21T08:24:55Z"}'],
    ['no-timestamp', '{"kind":"Event","auditID":"a"}'],
    ['no-timestamp', '{"kind":"Event","auditID":"a","stageTimestamp":1795249495}'],
    ['no-timestamp', '{"kind":"Event","auditID":"a","stageTimestamp":"yesterday"}'],
    ['invalid-json', '{"kind":"Event","auditID":"a"'],
    ['invalid-json', 'null'],
    ['invalid-json', ''],
  ])('rejects as %s: %s', (reason, text) => {
    expect(prepare(record(text), {}, { maxEventBytes: LIMIT })).toMatchObject({
      kind: 'rejected',
      reject: { reason, bytes: Buffer.from(text), origin: CLOUDWATCH },
    });
  });

  it.each([
    ['2026-11-21T08:24:55Z', true],
    ['2026-11-21T08:24:55.123456789Z', true],
    ['2026-11-21T08:24:55,5+14:00', true],
    ['2024-02-29T00:00:00-00:00', true],
    ['2023-02-29T00:00:00Z', false],
    ['1900-02-29T00:00:00Z', false],
    ['2026-13-01T00:00:00Z', false],
    ['2026-11-31T00:00:00Z', false],
    ['2026-11-00T00:00:00Z', false],
    ['2026-11-21T24:00:00Z', false],
    ['2026-11-21T08:60:00Z', false],
    ['2026-11-21T08:24:60Z', false],
    ['2026-11-21T08:24:55', false],
    ['2026-11-21T08:24:55.Z', false],
    ['2026-11-21 08:24:55Z', false],
    ['2026-11-21T08:24:55+1400', false],
    ['2026-11-21T08:24:55z', false],
    ['2026-11-21T08:24:55Z ', false],
  ])('reads the time as Go does: %s is %s', (time, good) => {
    const result = prepare(record(`{"kind":"Event","auditID":"a","stageTimestamp":"${time}"}`), {}, { maxEventBytes: LIMIT });
    expect(result.kind).toBe(good ? 'record' : 'rejected');
  });

  describe('too large', () => {
    const SPEC = JSON.parse(pod).requestObject.spec;

    it('takes away the response first, but for what names the object', () => {
      const large = pod.replace('"responseObject":{', `"responseObject":{"status":{"padding":"${'x'.repeat(300_000)}"},`);
      const { event, reduced } = prepared(large);
      const whole = JSON.parse(pod);
      expect(reduced).toBe(true);
      expect(event.requestObject).toEqual(whole.requestObject);
      expect(event.responseObject).toEqual({
        kind: whole.responseObject.kind,
        apiVersion: whole.responseObject.apiVersion,
        metadata: {
          name: whole.responseObject.metadata.name,
          namespace: whole.responseObject.metadata.namespace,
          uid: whole.responseObject.metadata.uid,
        },
      });
      expect(event.annotations['audit.k8s.io/truncated']).toBe('true');
    });

    it.each([
      ['a huge annotation', withMetadata(`"annotations":{"small":"kept","padding":"${'x'.repeat(400_000)}"}`)],
      ['huge managed fields', withMetadata(`"managedFields":[${'{"a":"b"},'.repeat(50_000)}{}]`)],
      ['a huge label', withMetadata(`"labels2":{"padding":"${'é🦅'.repeat(50_000)}"}`)],
      ['many members', withMember(`"padding":{${Array.from({ length: 30_000 }, (_, index) => `"k${index}":"value"`).join(',')}}`)],
      ['a huge user agent', pod.replace(/"userAgent":"/, `"userAgent":"${'\\u0041\\"'.repeat(60_000)}`)],
      ['a huge annotation of the event', pod.replace('"annotations":{', `"annotations":{"patch":"${'x'.repeat(400_000)}",`)],
    ])('keeps the whole spec under %s', (_, text) => {
      const { event, record: made, reduced } = prepared(text);
      expect(reduced).toBe(true);
      expect(made.raw.length).toBeLessThanOrEqual(LIMIT);
      expect(event.requestObject.spec).toEqual(SPEC);
      expect(event.annotations['audit.k8s.io/truncated']).toBe('true');
      expect(verifyMac([SAMPLE_MAC_KEY], event.annotations['tiercel.dev/mac'], eventFacts({ ...made, identity: IDENTITY })).ok).toBe(true);
    });

    it('keeps the shape of a spec whose strings are huge, then its first members, then only what the object is', () => {
      const inSpec = (member: string) => {
        const at = pod.indexOf('"spec":{', pod.indexOf('"requestObject"')) + '"spec":{'.length;
        return `${pod.slice(0, at)}${member},${pod.slice(at)}`;
      };
      const cut = prepared(inSpec(`"args":["${'x'.repeat(400_000)}"]`)).event.requestObject.spec;
      expect(cut).toEqual({ args: [`${'x'.repeat(512)}[...]`], ...SPEC });
      const first = prepared(inSpec(`"env":[${'"value",'.repeat(50_000)}1]`)).event.requestObject.spec;
      expect(first).toEqual({ env: Array(100).fill('value'), ...SPEC });
      // Many lists of a hundred lists of a hundred strings: nothing but leaving the spec out helps.
      const list = (item: string) => `[${Array(100).fill(item).join(',')}]`;
      const { event } = prepared(
        inSpec(
          `"deep":[${Array(4)
            .fill(list(list('"value"')))
            .join(',')}]`,
        ),
      );
      expect(Object.keys(event.requestObject)).toEqual(['kind', 'apiVersion', 'metadata']);
    });

    it('says so when not even the metadata fits', () => {
      expect(prepare(record(pod), {}, { maxEventBytes: 600 })).toMatchObject({ kind: 'rejected', reject: { reason: 'too-large' } });
    });

    it('only takes out blanks when that is enough, and then calls it whole', () => {
      const blown = JSON.stringify(JSON.parse(pod), undefined, 2).replaceAll('\n', `\n${' '.repeat(2000)}`);
      const { event, reduced } = prepared(blown);
      expect(reduced).toBe(false);
      expect(event.annotations['audit.k8s.io/truncated']).toBeUndefined();
      expect(event.requestObject).toEqual(JSON.parse(pod).requestObject);
    });

    it('never exceeds the limit, whatever it is and whatever is large', () => {
      const piece = fc.tuple(
        fc.constantFrom('args', 'annotations', 'managedFields', 'data', 'x'),
        fc.integer({ min: 1, max: 3000 }),
        fc.constantFrom('string', 'list', 'object'),
      );
      fc.assert(
        fc.property(fc.array(piece, { maxLength: 6 }), fc.integer({ min: 500, max: 6000 }), (pieces, limit) => {
          const member = ([name, size, kind]: readonly [string, number, string]) =>
            `"${name}":${kind === 'string' ? `"${'\\u00e9'.repeat(size)}"` : kind === 'list' ? `[${'1,'.repeat(size)}1]` : `{"a":"${'x'.repeat(size)}"}`}`;
          const text = [...pieces].reduce((whole, each) => whole.replace('"requestObject":{', `"requestObject":{${member(each)},`), pod);
          const result = prepare(record(text), { mac: SAMPLE_MAC_KEY }, { maxEventBytes: limit });
          if (result.kind === 'rejected') return;
          expect(result.record.raw.length).toBeLessThanOrEqual(limit);
          expect(restamp(result.record, 999).length).toBeLessThanOrEqual(limit);
          const event = JSON.parse(Buffer.from(result.record.raw).toString());
          expect([event.verb, event.user, event.objectRef]).toEqual([
            JSON.parse(pod).verb,
            JSON.parse(pod).user,
            JSON.parse(pod).objectRef,
          ]);
        }),
        { numRuns: 200 },
      );
    });

    it('counts what the parser may add by spelling escaped keys anew', () => {
      const keys = Array.from({ length: 200 }, (_, index) => `"\\u0001${'\\u0001'.repeat(40)}${index}":1`).join(',');
      const text = pod.replace('{', `{${keys},`);
      const at = (maxEventBytes: number) => prepare(record(text), {}, { maxEventBytes });
      expect(at(Buffer.byteLength(text) + 1000)).toMatchObject({ kind: 'rejected', reject: { reason: 'too-large' } });
      expect(at(5 * Buffer.byteLength(text))).toMatchObject({ kind: 'record', reduced: false });
    });
  });

  describe('too deep', () => {
    it('goes to the limit, and not beyond', () => {
      const nested = (depth: number) => withMember(`"a":${'['.repeat(depth - 3)}1${']'.repeat(depth - 3)}`);
      expect(depthOf(JSON.parse(nested(297)))).toBe(297);
      expect(prepared(nested(297)).reduced).toBe(false);
      for (const depth of [298, 300, 1000, 60_000]) {
        const { event, reduced } = prepared(nested(depth));
        expect(reduced).toBe(true);
        expect(depthOf(event)).toBeLessThanOrEqual(297);
        expect(event.requestObject.spec).toEqual(JSON.parse(pod).requestObject.spec);
        expect(event.annotations['audit.k8s.io/truncated']).toBe('true');
      }
    });

    it('rejects what no API server accepts', () => {
      const text = withMember(`"a":${'['.repeat(70_000)}1${']'.repeat(70_000)}`);
      expect(prepare(record(text), {}, { maxEventBytes: LIMIT })).toMatchObject({ kind: 'rejected' });
    });

    it('holds in wide and deep values', () => {
      fc.assert(
        fc.property(fc.integer({ min: 290, max: 320 }), fc.integer({ min: 1, max: 50 }), (depth, width) => {
          const inner = `[${Array(width).fill('[1]').join(',')}]`;
          const { event } = prepared(withMember(`"a":${'{"b":'.repeat(depth)}${inner}${'}'.repeat(depth)}`));
          expect(depthOf(event)).toBeLessThanOrEqual(297);
        }),
        { numRuns: 40 },
      );
    });
  });
});
