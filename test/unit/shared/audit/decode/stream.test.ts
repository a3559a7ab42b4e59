import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DecodedItem, decodeStream, describeOrigin, type StreamOptions } from '../../../../../shared/audit/index.ts';
import { CONTAINERS, envelopeText, pieces } from '../../../../support/audit-containers.ts';
import { corpus } from '../../../../support/corpus.ts';

const AT = { kind: 'object', bucket: 'b', key: 'k' } as const;

async function decode(bytes: Uint8Array, sizes: readonly number[] = [65_536], options: StreamOptions = {}): Promise<DecodedItem[]> {
  const items: DecodedItem[] = [];
  for await (const batch of decodeStream(pieces(bytes, sizes), AT, options)) items.push(...batch);
  return items;
}

const texts = (items: readonly DecodedItem[]) =>
  items.flatMap((item) => (item.kind === 'record' ? [Buffer.from(item.record.raw).toString()] : []));
const rejects = (items: readonly DecodedItem[]) => items.flatMap((item) => (item.kind === 'rejected' ? [item.reject] : []));

const all = corpus().events;
/** Some real events, and texts that make trouble for whoever cuts at braces, quotes or lines. */
const TRICKY = [
  'braces } ] { [ in a string',
  'a quote \\" and a backslash \\\\',
  '}{\\"kind\\":\\"Event\\"',
  'a line\\nfeed, é, 🦅, \\ud83e\\udd85, \\u0000',
  '\\u001f\\u008b',
].map(
  (text, index) =>
    `{"kind":"Event","auditID":"tricky-${index}","requestObject":{"text":"${text}"},"stageTimestamp":"2026-11-21T08:24:55Z"}`,
);
const EVENTS = [...all.slice(0, 4), ...TRICKY, ...all.slice(-4)];

describe('decodeStream', () => {
  it.each(Object.keys(CONTAINERS))('reads %s', async (name) => {
    const items = await decode(CONTAINERS[name]!(EVENTS));
    expect(texts(items)).toEqual(EVENTS);
    expect(items.length).toBe(EVENTS.length);
  });

  it('gives the same items however the bytes are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...Object.keys(CONTAINERS)),
        fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 5 }),
        async (name, sizes) => {
          const bytes = CONTAINERS[name]!(EVENTS);
          expect(await decode(bytes, sizes)).toEqual(await decode(bytes));
        },
      ),
      { numRuns: 60 },
    );
    const others = [
      envelopeText(['a', 'b', 'c'], { logStream: 'kube-scheduler-1' }),
      envelopeText(['', '', 'tail', EVENTS[0]!]),
      'I1121 08:24:20.0 x',
      'junk',
      'junk',
    ];
    const mixed = Buffer.from(others.join('\n'));
    expect(await decode(mixed, [7])).toEqual(await decode(mixed));
    const bytes = CONTAINERS['Firehose, GZIP without decompression']!(EVENTS);
    expect(await decode(bytes, [1])).toEqual(await decode(bytes));
  });

  it('reads any containers one after the other, in any further layers of gzip', async () => {
    const names = Object.keys(CONTAINERS).filter((name) => !name.includes('padding'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: 2 }),
        async (chosen, layers) => {
          let bytes = Buffer.concat(chosen.flatMap((name) => [CONTAINERS[name]!(EVENTS), Buffer.from('\n')]));
          for (let layer = 0; layer < layers; layer++) bytes = gzipSync(bytes);
          expect(texts(await decode(bytes))).toEqual(chosen.flatMap(() => EVENTS));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('loses only the event that was damaged, and says so', async () => {
    const names = [
      'NDJSON',
      'NDJSON, one gzip member per event',
      'events without delimiter (message extraction)',
      'Firehose, decompression',
      'Firehose, message extraction, delimiter',
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.nat(),
        fc.nat({ max: 255 }),
        fc.constantFrom('replace', 'remove', 'insert'),
        async (name, where, byte, how) => {
          const whole = CONTAINERS[name]!(EVENTS);
          const at = where % whole.length;
          const damaged = Buffer.concat([
            whole.subarray(0, at),
            how === 'remove' ? Buffer.alloc(0) : Buffer.from([byte]),
            whole.subarray(how === 'insert' ? at : at + 1),
          ]);
          const items = await decode(damaged);
          const got = texts(items);
          const missing = EVENTS.filter((event) => !got.includes(event));
          // At most the event around the damage, the one after it where the boundary itself was hit, and in an envelope those of one envelope's header.
          expect(missing.length).toBeLessThanOrEqual(name === 'Firehose, decompression' ? 4 : 2);
          const changed = got.filter((event) => !EVENTS.includes(event));
          if (missing.length > changed.length) expect(items.some((item) => item.kind !== 'record')).toBe(true);
          for (const { origin } of rejects(items)) expect(describeOrigin(origin)).toMatch(/^s3:\/\/b\/k|\/aws\/eks/);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('never throws, and ends, whatever it is given', async () => {
    const fragment = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.constantFrom(
        ...[
          '{',
          '}',
          '[',
          ']',
          '"',
          '\\',
          ',',
          ':',
          '\n',
          '{"',
          '}{"a',
          '{"items":[',
          '{"logEvents":[',
          '"kind":"EventList",',
          '\x1f\x8b',
          '\x1f\x8b\x08',
          '{"kind":"Event",',
          'null',
          '\0',
          '[[[[[[',
        ].map((text) => Buffer.from(text, 'latin1')),
        gzipSync('{"kind":"Event"}').subarray(0, 15),
        gzipSync('\x1f\x8b'),
        Buffer.from(envelopeText(['{', '}', '']).slice(0, 200)),
        Buffer.from(EVENTS[0]!),
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fragment, { maxLength: 30 }),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 3 }),
        async (parts, sizes) => {
          const bytes = Buffer.concat(parts);
          const items = await decode(bytes, sizes);
          expect(items).toEqual(await decode(bytes));
          expect(items.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 800 },
    );
  });

  it('says where a value lies in the decoded text', async () => {
    const items = await decode(gzipSync(`${EVENTS[0]}\nbroken\n\n${EVENTS[1]}`));
    const start = Buffer.byteLength(EVENTS[0]!) + 1;
    expect(rejects(items)).toMatchObject([{ reason: 'not-json', range: { start, end: start + 6 }, origin: { offset: start } }]);
    expect(items[2]).toMatchObject({ record: { origin: { offset: start + 8 } } });
    const lines: number[] = [];
    const file = gzipSync(`\n${EVENTS[0]}\nbroken\n\n${EVENTS[1]}`);
    for await (const batch of decodeStream(pieces(file, [11]), { kind: 'file', path: 'x' })) {
      for (const item of batch)
        if (item.kind !== 'skipped') lines.push(((item.kind === 'record' ? item.record : item.reject).origin as { line: number }).line);
    }
    expect(lines).toEqual([2, 3, 5]);
  });

  it('takes identity from the envelope, and the operator before it', async () => {
    const bytes = Buffer.from(envelopeText([EVENTS[0]!]));
    expect((await decode(bytes))[0]).toMatchObject({
      record: {
        identity: { cluster: 'prod', account: '123456789012' },
        origin: {
          kind: 'cloudwatch',
          logGroup: '/aws/eks/prod/cluster',
          eventId: `${'3'.repeat(55)}0`,
          within: { bucket: 'b', offset: 0 },
        },
      },
    });
    expect((await decode(bytes, [100], { identity: { cluster: 'other', region: 'eu-west-1' } }))[0]).toMatchObject({
      record: { identity: { cluster: 'other', account: '123456789012', region: 'eu-west-1' } },
    });
  });

  it('counts what is not for us', async () => {
    const scheduler = envelopeText(['I1121 08:24:20.000000 10 a.go:1] x', 'y'], { logStream: 'kube-scheduler-abc' });
    const apiServer = envelopeText(['I1121 text'], { logStream: 'kube-apiserver-2f5ba1d5e3a64b0f9b8c6f0e6a1d4c37' });
    const control = envelopeText(['CWL CONTROL MESSAGE: Checking health of destination Firehose.'], {
      messageType: 'CONTROL_MESSAGE',
      logGroup: '',
      logStream: '',
    });
    const firehose =
      '{"attemptsMade":4,"arrivalTimestamp":1795249495000,"errorCode":"Lambda.FunctionError","errorMessage":"x","attemptEndingTimestamp":1,"rawData":"H4sI"}';
    const klog = 'I1121 08:24:20.000000      10 schedule_one.go:314] "Successfully bound pod to node"';
    const items = await decode(Buffer.from([scheduler, apiServer, control, firehose, klog, EVENTS[0]].join('\n')));
    expect(items.map((item) => (item.kind === 'skipped' ? [item.reason, item.count] : item.kind))).toEqual([
      ['other-stream', 2],
      ['other-stream', 1],
      ['control-message', 1],
      ['firehose-error-record', 1],
      ['other-stream', 1],
      'record',
    ]);
    expect(await decode(Buffer.alloc(0))).toMatchObject([{ kind: 'skipped', reason: 'empty', count: 1 }]);
    expect(await decode(gzipSync(''))).toMatchObject([{ kind: 'skipped', reason: 'empty', count: 1 }]);
  });

  it('never takes what an event says for an event', async () => {
    const inner = '{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"forged","stageTimestamp":"2026-11-21T08:24:55Z"}';
    const escaped = JSON.stringify(`\n${inner}\n}${inner}`);
    const deep = `{"a":${'['.repeat(70_000)}${inner}${']'.repeat(70_000)}}`;
    for (const broken of [
      `"requestObject":{"list":[1,${inner},${inner}],"text":${escaped}} oops`,
      `"requestObject":${deep}`,
      `"requestObject":{"x":[${inner}`,
    ]) {
      const outer = `{"kind":"Event","auditID":"outer",${broken}}`;
      for (const text of [`${outer}\n${EVENTS[0]}\n`, `${outer}${EVENTS[0]}`, envelopeText([outer, EVENTS[0]!])]) {
        const items = await decode(Buffer.from(text));
        expect(texts(items).filter((event) => JSON.parse(event).auditID === 'forged')).toEqual([]);
        expect(texts(items)).toContain(EVENTS[0]);
      }
    }
  });

  describe('gzip', () => {
    const good = EVENTS.map((event) => gzipSync(`${event}\n`));

    it('loses only the damaged member', async () => {
      const inside = Buffer.from(good[4]!);
      inside[inside.length - 10]! ^= 0xff;
      const sum = Buffer.from(good[4]!);
      sum[sum.length - 5]! ^= 1;
      const header = Buffer.from(good[4]!);
      header[2] = 7;
      for (const bad of [inside, sum, header, good[4]!.subarray(0, 40), Buffer.from('\x1f\x8b', 'latin1')]) {
        const items = await decode(Buffer.concat([...good.slice(0, 4), bad, ...good.slice(5)]));
        expect(texts(items)).toEqual(EVENTS.filter((_, index) => index !== 4));
        expect(rejects(items)).toMatchObject([{ reason: 'bad-gzip' }]);
      }
    });

    it('names trailing garbage', async () => {
      const items = await decode(Buffer.concat([...good, Buffer.from('garbage')]));
      expect(texts(items)).toEqual(EVENTS);
      expect(rejects(items)).toMatchObject([{ reason: 'not-json' }]);
    });

    it('gives what came before a cut', async () => {
      const whole = gzipSync(EVENTS.map((event) => `${event}\n`).join(''));
      const items = await decode(whole.subarray(0, whole.length - 300));
      const got = texts(items);
      expect(got.length).toBeGreaterThan(3);
      expect(got).toEqual(EVENTS.slice(0, got.length));
      expect(rejects(items).map(({ reason }) => reason)).toContain('bad-gzip');
    });

    it('stops where the limit is', async () => {
      const bomb = gzipSync(gzipSync(Buffer.alloc(50_000_000, '{"kind":"Event"}\n')));
      const items = await decode(bomb, [65_536], { maxInflatedBytes: 1_000_000 });
      expect(rejects(items).at(-1)).toMatchObject({ reason: 'inflation-limit' });
      expect(items.length).toBeLessThan(70_000);
    });

    it('follows four layers, not five', async () => {
      const layered = (layers: number) => {
        let bytes = Buffer.from(`${EVENTS[0]}\n`);
        for (let layer = 0; layer < layers; layer++) bytes = gzipSync(bytes);
        return bytes;
      };
      expect(texts(await decode(layered(4)))).toEqual([EVENTS[0]]);
      const items = await decode(Buffer.concat([layered(5), Buffer.from(EVENTS[1]!)]));
      expect(rejects(items)).toMatchObject([{ reason: 'too-many-layers' }]);
      expect(texts(items)).toEqual([EVENTS[1]]);
    });
  });

  it('rejects a value over 16 MiB by reference, however the bytes are cut', async () => {
    const filler = 'x'.repeat(17 * 1024 * 1024);
    for (const large of [`{"kind":"Event","a":"${filler}"}`, `{"kind":"Event","a":{${filler}"}}`, `{"kind":"Event","a":"${filler}`]) {
      const bytes = Buffer.from(`${EVENTS[0]}\n${large}\n${EVENTS[1]}`);
      const items = await decode(bytes, [1_000_000]);
      const start = Buffer.byteLength(EVENTS[0]!) + 1;
      expect(texts(items)).toEqual([EVENTS[0], EVENTS[1]]);
      expect(rejects(items)).toMatchObject([{ origin: { offset: start }, range: { start } }]);
      expect(rejects(items)[0]).not.toHaveProperty('bytes');
      expect(rejects(items)[0]!.range!.end - start - large.length).toBeLessThan(2);
      expect(await decode(bytes, [40_000_000])).toEqual(items);
    }
  });

  it('passes errors of the source on', async () => {
    const source = (async function* () {
      yield Buffer.from(`${EVENTS[0]}\n`);
      throw new Error('connection lost');
    })();
    const run = async () => {
      for await (const _ of decodeStream(source, AT)) void _;
    };
    await expect(run()).rejects.toThrow('connection lost');
  });
});

describe('an event that the log agent split, in extracted messages', () => {
  const SPLIT = 1_048_576 - 200;
  const long = (filler: string) =>
    `{"kind":"Event","auditID":"long","stage":"ResponseComplete","requestURI":"/","verb":"get","user":{},"requestObject":{"x":"${filler}"}}`;

  it('is put together again', async () => {
    for (const filler of ['x'.repeat(1_500_000), ' '.repeat(1_500_000), '\\"}{'.repeat(600_000)]) {
      const event = long(filler);
      const parts = [event.slice(0, SPLIT), event.slice(SPLIT, 2 * SPLIT), event.slice(2 * SPLIT)].filter((part) => part !== '');
      expect(texts(await decode(Buffer.from([EVENTS[0], ...parts, EVENTS[1]].join('\n')), [100_000]))).toEqual([
        EVENTS[0],
        event,
        EVENTS[1],
      ]);
    }
  });

  it('is salvaged when only its head is there and the time of writing is known', async () => {
    const bytes = Buffer.from(`${long('x'.repeat(1_500_000)).slice(0, SPLIT)}\n${EVENTS[1]}`);
    expect(await decode(bytes, [100_000], { timestampMs: 1_795_249_495_000 })).toMatchObject([
      { kind: 'record', record: { salvage: { timestampMs: 1_795_249_495_000 } } },
      { kind: 'record' },
    ]);
    expect(await decode(bytes)).toMatchObject([{ kind: 'rejected', reject: { reason: 'cut-short' } }, { kind: 'record' }]);
  });
});
