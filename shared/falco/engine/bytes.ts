/** UTF-16 text → byte string: one character per UTF-8 byte. */
export function toByteString(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** Byte string → UTF-16 text; bytes that are not UTF-8 become U+FFFD, as in Falco's JSON output. */
export function fromByteString(bytes: string): string {
  return /[\x80-\xff]/.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
}

/** Up to the first NUL: what is left of a byte string that passes through C. */
export function upToNul(text: string): string {
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}
