const SLOTS = 4096;
const LONGEST = 128;

const texts: string[] = new Array(SLOTS).fill('');

/**
 * Bytes → byte string. Short texts come from a table of fixed size, because verbs, stages, resources and user names repeat:
 * no allocation, and equal texts are mostly the same object, so comparing and hashing them is quick.
 */
export function readBytes(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length > LONGEST || length === 0) return length === 0 ? '' : bytes.toString('latin1', start, end);
  // Some sixteen bytes from the end on tell most texts apart; what the slot holds is compared in full.
  const stride = 1 + (length >> 4);
  let hash = length;
  for (let i = end - 1; i >= start; i -= stride) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
  const slot = (hash ^ (hash >>> 12)) & (SLOTS - 1);
  const known = texts[slot]!;
  if (known.length === length) {
    let i = 0;
    while (i < length && known.charCodeAt(i) === bytes[start + i]) i++;
    if (i === length) return known;
  }
  const text = bytes.toString('latin1', start, end);
  texts[slot] = text;
  return text;
}
