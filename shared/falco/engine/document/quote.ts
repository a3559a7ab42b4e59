import { fromByteString, toByteString } from '../bytes.ts';

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

function goQuote(text: string): string {
  let out = '"';
  for (const char of fromByteString(text)) {
    const named = NAMED[char];
    const code = char.codePointAt(0)!;
    if (named !== undefined) out += named;
    else if (PRINTABLE.test(char)) out += toByteString(char);
    else if (code < 0x80) out += `\\x${code.toString(16).padStart(2, '0')}`;
    else if (code < 0x10000) out += `\\u${code.toString(16).padStart(4, '0')}`;
    else out += `\\U${code.toString(16).padStart(8, '0')}`;
  }
  return `${out}"`;
}
