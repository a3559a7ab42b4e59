/**
 * Text of JSON strings as fastjson reads it: best effort, never an error. Unknown escapes and broken or lone `\u` escapes stay as they are written.
 * All texts are byte strings (see ../ast.ts).
 */

const SIMPLE: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/** The text between a JSON string's quotes → what it stands for. */
export function unescapeJson(raw: string): string {
  let at = raw.indexOf('\\');
  if (at < 0) return raw;
  let text = '';
  let from = 0;
  while (at >= 0) {
    text += raw.slice(from, at);
    const letter = raw[at + 1];
    if (letter === undefined) return text;
    const simple = SIMPLE[letter];
    from = at + 2;
    if (simple !== undefined) text += simple;
    else if (letter !== 'u') text += `\\${letter}`;
    else {
      const unit = hexUnit(raw, from);
      if (unit < 0) text += '\\u';
      else if (unit < 0xd800 || unit > 0xdfff) {
        text += utf8(unit);
        from += 4;
      } else {
        const second = raw[from + 4] === '\\' && raw[from + 5] === 'u' ? hexUnit(raw, from + 6) : -1;
        if (second < 0) {
          text += `\\u${raw.slice(from, from + 4)}`;
          from += 4;
        } else {
          text += utf8(pair(unit, second));
          from += 10;
        }
      }
    }
    at = raw.indexOf('\\', from);
  }
  return text + raw.slice(from);
}

/** Two UTF-16 units → code point; U+FFFD when they are not a high and a low surrogate. */
function pair(high: number, low: number): number {
  return high < 0xdc00 && low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
}

function utf8(codePoint: number): string {
  return codePoint < 0x80 ? String.fromCharCode(codePoint) : Buffer.from(String.fromCodePoint(codePoint), 'utf8').toString('latin1');
}

/** Four hexadecimal digits at `at`, or −1. */
function hexUnit(raw: string, at: number): number {
  if (at + 4 > raw.length) return -1;
  let value = 0;
  for (let i = at; i < at + 4; i++) {
    const c = raw.charCodeAt(i);
    const digit = c >= 0x30 && c <= 0x39 ? c - 0x30 : c >= 0x41 && c <= 0x46 ? c - 0x37 : c >= 0x61 && c <= 0x66 ? c - 0x57 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}
