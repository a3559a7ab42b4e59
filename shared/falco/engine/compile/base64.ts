const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Base64 with or without padding → bytes. `undefined` for foreign characters, a lone last character, or bits that should be zero. */
export function decodeBase64(text: string): string | undefined {
  if (text === '') return '';
  const digits = text.replace(/==?$/, '');
  if (!/^[A-Za-z0-9+/]+$/.test(digits) || digits.length % 4 === 1) return undefined;
  const last = DIGITS.indexOf(digits[digits.length - 1]!);
  const unused = digits.length % 4 === 2 ? 0b1111 : digits.length % 4 === 3 ? 0b11 : 0;
  if ((last & unused) !== 0) return undefined;
  return Buffer.from(digits, 'base64').toString('latin1');
}
