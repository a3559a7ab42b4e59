import type { MacKey } from '../audit/index.ts';
import type { RotatingSecret } from '../platform/aws/rotating-secret.ts';

/** The MAC key in one version of the secret. Its id, which stands in the stamp, is short and says nothing about the key. */
export function macKeyOf({ id, value }: RotatingSecret['current']): MacKey {
  return { id: id.replaceAll('-', '').slice(0, 8), secret: Buffer.from(value) };
}

/** The keys whose stamps are good: the current one, and the one before it while a rotation is under way. */
export function macKeysOf({ current, previous }: RotatingSecret): readonly MacKey[] {
  return previous ? [macKeyOf(current), macKeyOf(previous)] : [macKeyOf(current)];
}
