import type { MacKey } from '../audit/index.ts';
import { type RotatingSecret, SECRET_KEPT_MS } from '../platform/aws/rotating-secret.ts';

/**
 * The key to sign with. A new one waits until every reader of the secret must have noticed it, or respond would refuse good alerts for minutes
 * after each rotation.
 */
export function signingKeyOf({ current, previous }: RotatingSecret, nowMs: number): MacKey {
  const settled = nowMs - current.createdAtMs >= 2 * SECRET_KEPT_MS;
  return macKeyOf(settled || previous === undefined ? current : previous);
}

/** The MAC key in one version of the secret. Its id, which stands in the stamp, is short and says nothing about the key. */
function macKeyOf({ id, value }: RotatingSecret['current']): MacKey {
  return { id: id.replaceAll('-', '').slice(0, 8), secret: Buffer.from(value) };
}

/** The keys whose stamps are good: the current one, and the one before it while a rotation is under way. */
export function macKeysOf({ current, previous }: RotatingSecret): readonly MacKey[] {
  return previous ? [macKeyOf(current), macKeyOf(previous)] : [macKeyOf(current)];
}
