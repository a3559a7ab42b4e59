import { fromByteString } from '../bytes.ts';

/**
 * How fastjson writes a string (or key) it has unescaped before: between plain quotes, unless it holds a quote, a backslash or a control
 * character: then in Go's own spelling (strconv.Quote), which is not always JSON.
 */
export function quoteLikeGo(text: string): string {
  return /["\\\x00-\x1f]/.test(text) ? goQuote(text) : `"${text}"`;
}

const NAMED: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** Printable in Go's sense: letters, marks, numbers, punctuation, symbols, and the ASCII space. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** One character in UTF-8 as Go decodes it: what is not UTF-8 is taken byte by byte. */
const CHARACTER =
  /[\x00-\x7f]|[\xc2-\xdf][\x80-\xbf]|(?:\xe0[\xa0-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]|\xed[\x80-\x9f])[\x80-\xbf]|(?:\xf0[\x90-\xbf]|[\xf1-\xf3][\x80-\xbf]|\xf4[\x80-\x8f])[\x80-\xbf]{2}|[\x80-\xff]/g;

function goQuote(text: string): string {
  let out = '"';
  for (const [bytes] of text.matchAll(CHARACTER)) {
    const named = NAMED[bytes];
    const char = fromByteString(bytes);
    const code = bytes.length === 1 ? bytes.charCodeAt(0) : char.codePointAt(0)!;
    if (named !== undefined) out += named;
    else if (bytes.length === 1 && (code < 0x20 || code > 0x7e)) out += `\\x${code.toString(16).padStart(2, '0')}`;
    else if (PRINTABLE.test(char)) out += bytes;
    else if (code < 0x10000) out += `\\u${code.toString(16).padStart(4, '0')}`;
    else out += `\\U${code.toString(16).padStart(8, '0')}`;
  }
  return `${out}"`;
}
