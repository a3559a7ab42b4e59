import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layOut } from '../../../../shared/audit/json/layout.ts';
import { type Stamp, stamp } from '../../../../shared/audit/stamp.ts';
import { rawMembers, readings, unescaped } from '../../../support/fastjson.ts';

const STAMPS: readonly Stamp[] = [
  { name: 'cluster_name', value: '"prod"' },
  { name: 'tiercel.dev/account', value: '"123456789012"' },
  { name: 'tiercel.dev/mac', value: '"k.aaaa"' },
];

function stamped(text: string, stamps = STAMPS): string {
  const raw = Buffer.from(text);
  return Buffer.from(stamp(raw, layOut(raw)!, stamps)).toString();
}

/** The same key in another spelling. */
const spelled = (name: string) =>
  fc.constantFrom(
    name,
    `\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}`,
    name.replace(/.$/, (c) => `\\u00${c.charCodeAt(0).toString(16).toUpperCase()}`),
  );

const blank = fc.constantFrom('', ' ', '\n\t', '\r\n  ');
const scalar = fc.constantFrom(
  'null',
  'true',
  '1.50',
  '"x"',
  '"prod"',
  '"a\\"b"',
  '"\\u00e9 é 🦅"',
  '[]',
  '{"a":1}',
  '[{"cluster_name":"inner"}]',
);

const object = (member: fc.Arbitrary<string>) =>
  fc.tuple(fc.array(member, { maxLength: 6 }), blank).map(([members, space]) => `{${space}${members.join(`${space},${space}`)}${space}}`);
const annotation = fc
  .tuple(
    fc
      .constantFrom(
        'cluster_name',
        'tiercel.dev/account',
        'tiercel.dev/mac',
        'authorization.k8s.io/decision',
        'tiercel.dev/original-cluster_name',
      )
      .chain(spelled),
    blank,
    scalar,
  )
  .map(([key, space, value]) => `"${key}"${space}:${space}${value}`);
const annotations = fc
  .tuple(spelled('annotations'), fc.oneof({ weight: 3, arbitrary: object(annotation) }, { weight: 1, arbitrary: scalar }))
  .map(([key, value]) => `"${key}":${value}`);
const other = fc
  .tuple(fc.constantFrom('kind', 'auditID', 'user', 'requestObject', 'annotation', 'xannotations', 'k\\"'), scalar)
  .map(([key, value]) => `"${key}":${value}`);
const event = object(fc.oneof({ weight: 2, arbitrary: other }, annotations)).map((text) =>
  text.replace('{', '{"kind":"Event",').replace(/,(\s*\}$)/, '$1'),
);

describe('stamp', () => {
  it('reads as ours whichever way the parser looks keys up, for any spelling, duplicates and kinds of value', () => {
    fc.assert(
      fc.property(event, (text) => {
        const after = stamped(text);
        expect(() => JSON.parse(after)).not.toThrow();
        for (const object of readings(after, 'annotations')) {
          for (const { name, value } of STAMPS) expect(readings(object!, name)).toEqual([value, value]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('only inserts: every byte that was there is still there, in order', () => {
    fc.assert(
      fc.property(event, (text) => {
        const after = stamped(text);
        let at = 0;
        for (const c of text) {
          at = after.indexOf(c, at) + 1;
          expect(at).toBeGreaterThan(0);
        }
        const members = (json: string) => rawMembers(json).filter(({ key }) => unescaped(key) !== 'annotations');
        expect(members(after)).toEqual(members(text));
      }),
      { numRuns: 200 },
    );
  });

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(event, (text) => {
        const raw = Buffer.from(stamped(text));
        expect(stamp(raw, layOut(raw)!, STAMPS)).toBe(raw);
      }),
      { numRuns: 300 },
    );
  });

  it('keeps what it displaces under another name', () => {
    fc.assert(
      fc.property(fc.array(annotation, { minLength: 1, maxLength: 6 }), (members) => {
        const text = `{"kind":"Event","annotations":{${members.join(',')}}}`;
        const before = readings(text, 'annotations')[0]!;
        const after = readings(stamped(text), 'annotations')[0]!;
        for (const { name, value } of STAMPS) {
          const displaced = readings(before, name)[0];
          if (displaced !== undefined && displaced !== value) expect(readings(after, `tiercel.dev/original-${name}`)[0]).toBe(displaced);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('puts a new annotations member last, where the API server writes it', () => {
    expect(stamped('{"kind":"Event","verb":"get"}', STAMPS.slice(0, 1))).toBe(
      '{"kind":"Event","verb":"get","annotations":{"cluster_name":"prod"}}',
    );
    expect(stamped('{"kind":"Event","annotations":{}}', STAMPS.slice(0, 1))).toBe('{"kind":"Event","annotations":{"cluster_name":"prod"}}');
  });

  it('puts our annotations before the others', () => {
    expect(stamped('{"annotations":{"a":"b"},"kind":"Event"}')).toBe(
      '{"annotations":{"cluster_name":"prod","tiercel.dev/account":"123456789012","tiercel.dev/mac":"k.aaaa","a":"b"},"kind":"Event"}',
    );
  });

  it('shadows annotations that are no object', () => {
    expect(stamped('{"kind":"Event","annotations":null}', STAMPS.slice(0, 1))).toBe(
      '{"kind":"Event","annotations":{"cluster_name":"prod"},"annotations":null}',
    );
  });
});
