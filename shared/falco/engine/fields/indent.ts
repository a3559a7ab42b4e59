/** Above this many characters the indented text is given up: deep nesting makes it grow far beyond the event. */
const LONGEST = 16 * 1024 * 1024;

const LITERALS = ['true', 'false', 'null'] as const;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/**
 * Go's json.Indent with two blanks over a compact text that fastjson has read.
 * `undefined` where Go, stricter than fastjson, reports an error: control characters and unknown escapes in strings, NaN, 01. Also beyond 16 MiB.
 */
export function indentLikeGo(compact: string): string | undefined {
  const parts: string[] = [];
  let length = 0;
  let line = '\n';
  let i = 0;
  while (i < compact.length) {
    const c = compact[i]!;
    let part: string;
    if (c === '"') {
      const end = stringEnd(compact, i);
      if (end < 0) return undefined;
      part = compact.slice(i, end);
      i = end;
    } else if (c === '{' || c === '[') {
      const close = compact[i + 1];
      if (close === '}' || close === ']') {
        part = c + close;
        i += 2;
      } else {
        line += '  ';
        part = c + line;
        i++;
      }
    } else if (c === '}' || c === ']') {
      line = line.slice(0, -2);
      part = line + c;
      i++;
    } else if (c === ',') {
      part = `,${line}`;
      i++;
    } else if (c === ':') {
      part = ': ';
      i++;
    } else {
      const end = scalarEnd(compact, i);
      if (end < 0) return undefined;
      part = compact.slice(i, end);
      i = end;
    }
    length += part.length;
    if (length > LONGEST) return undefined;
    parts.push(part);
  }
  return parts.join('');
}

function stringEnd(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22) return i + 1;
    if (c < 0x20) return -1;
    if (c === 0x5c) {
      i++;
      if (text[i] === 'u') {
        if (!/^[0-9a-fA-F]{4}$/.test(text.slice(i + 1, i + 5))) return -1;
        i += 4;
      } else if (!'"\\/bfnrt'.includes(text[i]!)) return -1;
    }
  }
  return -1;
}

function scalarEnd(text: string, start: number): number {
  const literal = LITERALS.find((word) => text.startsWith(word, start));
  if (literal) return start + literal.length;
  NUMBER.lastIndex = start;
  if (!NUMBER.test(text)) return -1;
  const end = NUMBER.lastIndex;
  return end === text.length || ',]}'.includes(text[end]!) ? end : -1;
}
