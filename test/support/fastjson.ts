/**
 * A reader with fastjson's behaviour towards keys (v1.6.4), written for tests from its documentation and source: values stay raw text, members keep order and duplicates,
 * and a look-up compares keys as they are spelled until one misses; from then on that object's keys are compared unescaped.
 */
export interface RawObject {
  readonly members: { key: string; value: string }[];
}

/** The members of the JSON object `text`, as raw texts (keys without their quotes). */
export function rawMembers(text: string): { key: string; value: string }[] {
  const members: { key: string; value: string }[] = [];
  let i = blanks(text, text.indexOf('{') + 1);
  while (text[i] === '"') {
    const keyEnd = skip(text, i);
    const start = blanks(text, blanks(text, keyEnd) + 1);
    const end = skip(text, start);
    members.push({ key: text.slice(i + 1, keyEnd - 1), value: text.slice(start, end) });
    i = blanks(text, end);
    if (text[i] !== ',') break;
    i = blanks(text, i + 1);
  }
  return members;
}

/** What a look-up of `name` gives: before any look-up on this object has missed, and after one has. */
export function readings(text: string, name: string): [before: string | undefined, after: string | undefined] {
  const members = rawMembers(text);
  const after = members.find(({ key }) => unescaped(key) === name)?.value;
  return [members.find(({ key }) => key === name)?.value ?? after, after];
}

export function unescaped(raw: string): string {
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
}

function blanks(text: string, i: number): number {
  let j = i;
  while (' \t\n\r'.includes(text[j] ?? 'x')) j++;
  return j;
}

/** The offset after the value at `i`, which is valid JSON. */
function skip(text: string, i: number): number {
  let depth = 0;
  for (let j = i; j < text.length; j++) {
    const c = text[j]!;
    if (c === '"') {
      for (j++; text[j] !== '"'; j++) if (text[j] === '\\') j++;
      if (depth === 0) return j + 1;
    } else if (c === '{' || c === '[') depth++;
    else if (c === '}' || c === ']') {
      if (depth === 0) return j;
      if (--depth === 0) return j + 1;
    } else if (depth === 0 && ',: \t\n\r'.includes(c)) return j;
  }
  return text.length;
}
