import type { Extracted } from '../fields/index.ts';

/**
 * What C makes of byte strings. Transformers hand on values whose length counts the terminator (and b64 may yield NULs anywhere),
 * and each operator looks at them in its own way: that is why a transformed list never equals a constant.
 */

/** Without the NULs at the end: how set membership, path prefixes and regular expressions see a value that is no list. */
export function withoutTerminators(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0) end--;
  return text.slice(0, end);
}

/** The bytes of a value in memory (integers: 8, booleans: 4, little-endian). */
export function inMemory(value: Exclude<Extracted, readonly string[] | undefined>): string {
  if (typeof value === 'string') return value;
  const bytes = Buffer.alloc(typeof value === 'boolean' ? 4 : 8);
  if (typeof value === 'boolean') bytes.writeUInt32LE(value ? 1 : 0);
  else bytes.writeBigUInt64LE(value);
  return bytes.toString('latin1');
}
