import { expect, it } from 'vitest';
import type { FieldValue } from '../../../../shared/falco/alert.ts';
import { fieldList, fieldText, happenedAtMs, isMissing, isTruncated, readField } from '../../../../shared/respond/fields.ts';
import { bindingAlert, cut } from '../../../support/alerts.ts';

const alert = (value: FieldValue) => bindingAlert({ x: value });

it.each<[FieldValue, ReturnType<typeof readField>]>([
  ['a', { state: 'present', text: 'a' }],
  [7, { state: 'present', text: '7' }],
  [0, { state: 'present', text: '0' }],
  [12345678901234567890n, { state: 'present', text: '12345678901234567890' }],
  [false, { state: 'present', text: 'false' }],
  [['a'], { state: 'present', text: 'a' }],
  [['a', 'b'], { state: 'missing' }],
  [['<NA>'], { state: 'missing' }],
  [[''], { state: 'missing' }],
  [[], { state: 'missing' }],
  [null, { state: 'missing' }],
  ['', { state: 'missing' }],
  ['<NA>', { state: 'missing' }],
  [cut('a'), { state: 'truncated' }],
  [['a', cut('b')], { state: 'truncated' }],
])('reads %s', (value, state) => {
  expect(readField(alert(value), 'x')).toEqual(state);
  expect(fieldText(alert(value), 'x')).toBe(state.state === 'present' ? state.text : undefined);
});

it('reads a field that the alert does not have as missing, also one that every object has', () => {
  for (const name of ['y', 'constructor', 'toString', '__proto__']) {
    expect(readField(bindingAlert(), name)).toEqual({ state: 'missing' });
    expect(fieldList(bindingAlert(), name)).toBeUndefined();
  }
});

it.each<[FieldValue, readonly string[] | undefined]>([
  [
    ['a', 'b'],
    ['a', 'b'],
  ],
  ['a', ['a']],
  [7, ['7']],
  [[], undefined],
  [null, undefined],
  [['a', cut('b')], undefined],
  [cut('b'), undefined],
])('reads the list %j', (value, list) => {
  expect(fieldList(alert(value), 'x')).toEqual(list);
});

it('takes a value for cut from 512 bytes on', () => {
  expect(isTruncated(`${'x'.repeat(507)}[...]`)).toBe(true);
  expect(isTruncated(`${'x'.repeat(506)}[...]`)).toBe(false);
  expect(isTruncated(`${'é'.repeat(254)}[...]`)).toBe(true);
  expect(isTruncated('x'.repeat(600))).toBe(false);
  expect([undefined, null, 0, false].map((value) => isMissing(value))).toEqual([true, true, false, false]);
});

it('dates a happening by the earlier of its two times', () => {
  const at = (received: FieldValue, time: string) => happenedAtMs(bindingAlert({ 'tiercel.received': received }, { time }));
  expect(at('2026-11-21T08:00:00Z', '2026-11-21T09:00:00Z')).toBe(Date.parse('2026-11-21T08:00:00Z'));
  expect(at('2026-11-21T09:00:00Z', '2026-11-21T08:00:00Z')).toBe(Date.parse('2026-11-21T08:00:00Z'));
  expect(at(null, '2026-11-21T08:00:00Z')).toBe(Date.parse('2026-11-21T08:00:00Z'));
  expect(at('x', '2026-11-21T08:00:00Z')).toBeUndefined();
  expect(at('2026-11-21T08:00:00Z', 'x')).toBeUndefined();
});
