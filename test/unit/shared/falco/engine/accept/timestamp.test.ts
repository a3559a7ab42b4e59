import { describe, expect, it } from 'vitest';
import { parseTimestampAt } from '../../../../../../shared/falco/engine/accept/timestamp.ts';

function nanoseconds(text: string): bigint | undefined {
  const bytes = Buffer.from(`"${text}"`);
  const moment = parseTimestampAt(bytes, 1, bytes.length - 1);
  return moment && BigInt(moment.seconds) * 1_000_000_000n + BigInt(moment.nanoseconds);
}

/** Recorded from Go 1.26: uint64(t.UnixNano()) after time.Parse(time.RFC3339Nano, …). */
describe('timestamps', () => {
  it.each([
    ['2026-01-02T03:04:05.000006Z', 1767323045000006000n],
    ['2026-01-02T03:04:05Z', 1767323045000000000n],
    ['2026-01-02T03:04:05,5Z', 1767323045500000000n],
    ['2026-01-02T3:04:05Z', 1767323045000000000n],
    ['2026-01-02T03:04:05.1234567891234Z', 1767323045123456789n],
    ['2026-01-02T05:04:05+02:00', 1767323045000000000n],
    ['2026-01-02T03:04:05-24:60', 1767413045000000000n],
    ['2024-02-29T00:00:00Z', 1709164800000000000n],
    ['1970-01-01T00:00:00Z', 0n],
    ['1969-12-31T23:59:59.999999Z', 18446744073709550616n],
    ['0001-01-01T00:00:00Z', 11651379494838206464n],
  ])('%s', (text, expected) => {
    expect(nanoseconds(text)).toBe(expected);
  });

  it.each([
    '',
    '2026-01-02',
    '2026-01-02t03:04:05Z',
    '2026-01-02T03:04:05z',
    '2026-01-02 03:04:05Z',
    '2026-01-02T03:04:05',
    '2026-01-02T03:04:05.Z',
    '2026-01-02T24:04:05Z',
    '2026-01-02T03:60:05Z',
    '2026-01-02T03:04:60Z',
    '2026-01-02T03:04:60.000000Z',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00.000000Z',
    '2026-01-02T03:04:05+0200',
    '2026-01-02T03:04:05+25:00',
    '2026-01-02T03:04:05+24:61',
    '02026-01-02T03:04:05Z',
    '2026-01-02T03:04:05.00000xZ',
    '2026-01-02T03:04:05Z ',
  ])('%j is refused', (text) => expect(nanoseconds(text)).toBe(undefined));
});
