import { describe, expect, it } from 'vitest';
import { macKeysOf, signingKeyOf } from '../../../../shared/flows/mac-keys.ts';
import { SECRET_KEPT_MS } from '../../../../shared/platform/aws/rotating-secret.ts';

const version = (letter: string, createdAtMs: number) => ({
  id: `${letter.repeat(8)}-0000-4000-8000-000000000000`,
  value: letter.repeat(64),
  createdAtMs,
});

describe('MAC keys', () => {
  it('are both good while a rotation is under way, the new one first', () => {
    expect(macKeysOf({ current: version('b', 2), previous: version('a', 1) }).map(({ id }) => id)).toEqual(['bbbbbbbb', 'aaaaaaaa']);
    expect(macKeysOf({ current: version('a', 1) })).toHaveLength(1);
  });

  it('sign with the first key at once, for nobody can know another', () => {
    expect(signingKeyOf({ current: version('a', 0) }, 1).id).toBe('aaaaaaaa');
  });

  it('sign with a new key only when nobody can still hold the secret as it was before', () => {
    const rotatedAtMs = 1_000_000;
    const secret = { current: version('b', rotatedAtMs), previous: version('a', 0) };
    // respond may have read the secret just before the rotation, and keeps what it has until then.
    const lastUnaware = rotatedAtMs + SECRET_KEPT_MS;
    for (const nowMs of [rotatedAtMs, lastUnaware - 1, lastUnaware]) expect(signingKeyOf(secret, nowMs).id).toBe('aaaaaaaa');
    expect(signingKeyOf(secret, rotatedAtMs + 2 * SECRET_KEPT_MS).id).toBe('bbbbbbbb');
  });
});
