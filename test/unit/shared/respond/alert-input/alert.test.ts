import { describe, expect, it } from 'vitest';
import { parseAlert, quote } from '../../../../../shared/respond/alert-input/alert.ts';
import { type Json, parseJson } from '../../../../../shared/respond/alert-input/json.ts';
import { alertText, bindingAlert } from '../../../../support/alerts.ts';

const given = JSON.parse(alertText(bindingAlert())) as { readonly [name: string]: Json };
/** The faults in a sample alert with other members. */
const faults = (members: object) => {
  const parsed = parseAlert({ ...given, ...members } as Json);
  return parsed.ok ? [] : parsed.reason.split('; ');
};
const taken = (members: object) => {
  const parsed = parseAlert({ ...given, ...members } as Json);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.value;
};
const fields = (count: number) => ({ output_fields: Object.fromEntries(Array.from({ length: count }, (_, at) => [`f${at}`, ''])) });

describe('parseAlert', () => {
  it('takes every member that respond knows, and no other', () => {
    const whole = taken({ uuid: 'u', hostname: 'h', tags: ['a', 'b'], output: 'o', extra: 1 });
    expect(whole).toEqual({ ...given, uuid: 'u', hostname: 'h', tags: ['a', 'b'], output: 'o' });
  });

  it('takes an alert without what may be missing', () => {
    for (const nothing of [undefined, null]) {
      const bare = taken({ uuid: nothing, hostname: nothing, tags: nothing, output: nothing });
      expect(Object.keys(bare).sort()).toEqual(['output', 'output_fields', 'priority', 'rule', 'source', 'time']);
      expect(bare.output).toBe('');
    }
  });

  it.each(['rule', 'source', 'time', 'priority'])('refuses an alert without %s', (name) => {
    for (const nothing of [undefined, null, '']) expect(faults({ [name]: nothing })).toEqual([`${name}: missing`]);
    expect(faults({ [name]: 7 })).toEqual([`${name}: expected a string, got a number`]);
  });

  it.each(['uuid', 'hostname', 'output'])('refuses a %s that is no text', (name) => {
    expect(faults({ [name]: ['x'] })).toEqual([`${name}: expected a string, got a list`]);
  });

  it.each([
    ['2026-11-21T08:24:54.747143000Z', true],
    ['2026-11-21T08:24:54Z', true],
    ['2026-11-21T08:24:54.7+01:00', true],
    ['2026-11-21T08:24:54', false],
    ['2026-11-21 08:24:54Z', false],
    ['2026-13-21T08:24:54Z', false],
    ['2026-11-21T08:24:54.0123456789Z', false],
    ['x2026-11-21T08:24:54Z', false],
    ['2026-11-21T08:24:54Zx', false],
    ['1795249494', false],
  ])('takes %s for a time: %s', (time, good) => {
    expect(faults({ time })).toEqual(good ? [] : [expect.stringContaining(`got "${time}"`)]);
  });

  it.each([
    ['Warning', 'Warning'],
    ['warning', 'Warning'],
    ['EMERGENCY', 'Emergency'],
    ['info', 'Informational'],
    ['INFORMATIONAL', 'Informational'],
  ])('reads priority %s as %s', (priority, read) => {
    expect(taken({ priority }).priority).toBe(read);
  });

  it('refuses a priority that there is not', () => {
    expect(faults({ priority: 'Fatal' })).toEqual([expect.stringMatching(/^priority: expected one of Emergency, .*, got "Fatal"$/)]);
  });

  it.each([
    [{ rule: 'x'.repeat(1024) }, { rule: 'é'.repeat(513) }],
    [{ output: 'x'.repeat(1_048_576) }, { output: 'x'.repeat(1_048_577) }],
    [{ tags: Array(256).fill('t') }, { tags: Array(257).fill('t') }],
    [{ tags: [] }, { tags: [1] }],
    [{ tags: ['x'] }, { tags: 'x' }],
    [fields(512), fields(513)],
    [{ output_fields: { a: 'x'.repeat(1_048_576) } }, { output_fields: { a: 'x'.repeat(1_048_577) } }],
    [{ output_fields: { a: Array(4096).fill('t') } }, { output_fields: { a: Array(4097).fill('t') } }],
    [{ output_fields: { a: [] } }, { output_fields: { a: [1] } }],
    [{ output_fields: { a: true, b: null, c: 1.5 } }, { output_fields: { a: { b: 1 } } }],
    [{ output_fields: {} }, { output_fields: [] }],
  ])('goes to its bounds and not beyond, case %#', (good, bad) => {
    expect(faults(good)).toEqual([]);
    expect(faults(bad)).toHaveLength(1);
  });

  it('lists every fault, with what came', () => {
    expect(faults({ rule: undefined, time: 'now', tags: {}, output_fields: { a: [null], b: {} } })).toEqual([
      'rule: missing',
      expect.stringMatching(/^time: .* got "now"$/),
      'tags: expected a list of at most 256 strings, got an object',
      expect.stringMatching(/^output_fields\."a": .* got a list$/),
      expect.stringMatching(/^output_fields\."b": .* got an object$/),
    ]);
    expect(['x', null, undefined, [], true].map((value) => parseAlert(value))).toEqual(
      ['a string', 'null', 'nothing', 'a list', 'a boolean'].map((kind) => ({ ok: false, reason: expect.stringMatching(`got ${kind}$`) })),
    );
  });
});

it('quotes 80 characters of what came, or 77 and dots', () => {
  expect(quote('x'.repeat(80))).toBe(`"${'x'.repeat(80)}"`);
  expect(quote('x'.repeat(81))).toBe(`"${'x'.repeat(77)}..."`);
  expect(quote('\u001b"')).toBe('"\\u001b\\""');
});

it.each([
  ['9007199254740991', 9007199254740991],
  ['9007199254740993', 9007199254740993n],
  ['-9007199254740993', -9007199254740993n],
  ['1.5', 1.5],
  ['1e300', 1e300],
  ['9007199254740993.5', 9007199254740994],
  [`1${'0'.repeat(39)}`, 10n ** 39n],
  [`1${'0'.repeat(40)}`, 1e40],
])('reads the number %s without losing a digit of a whole one', (text, value) => {
  expect(parseJson(text)).toBe(value);
});
