import type { TransformerName } from '../ast.ts';
import { upToNul } from '../bytes.ts';
import type { Extracted } from '../fields/index.ts';
import { decodeBase64 } from './base64.ts';
import { inMemory, withoutTerminators } from './cstring.ts';
import { getopt } from './getopt.ts';
import { foldAscii } from './glob.ts';

/** Longest text join and concat may make, characters: they multiply what an event holds. Longer is a missing value; Falco has no such limit. */
const MAX_TEXT = 1 << 20;

type Present = Exclude<Extracted, undefined>;

/** Transformers of one argument. `undefined` is a missing value. */
export const TRANSFORMS: Readonly<Partial<Record<TransformerName, (value: Present) => Extracted>>> = {
  tolower: perText(foldAscii),
  toupper: perText((text) => text.replace(/[a-z]+/g, (letters) => letters.toUpperCase())),
  basename: perText((text) => text.slice(text.lastIndexOf('/') + 1)),
  b64: perText(decodeBase64),
  len: (value) => BigInt(typeof value === 'string' ? upToNul(value).length : Array.isArray(value) ? value.length : 1),
};

/** Applies to a text or to each text of a list; the result carries its terminator. One text without a result makes the whole missing. */
function perText(transform: (text: string) => string | undefined) {
  const one = (text: string): string | undefined => {
    const result = transform(withoutTerminators(text));
    return result === undefined || result.endsWith('\0') ? result : `${result}\0`;
  };
  return (value: Present): Extracted => {
    if (typeof value === 'string') return one(value);
    if (!Array.isArray(value)) return undefined;
    const results: string[] = [];
    for (const text of value as readonly string[]) {
      const result = one(text);
      if (result === undefined) return undefined;
      results.push(result);
    }
    return results;
  };
}

/** Transformers of several arguments. No argument is missing. */
export const COMBINERS: Readonly<Partial<Record<TransformerName, (values: readonly Present[], index: string | undefined) => Extracted>>> = {
  concat: (values) =>
    bounded(
      values.map((value) => upToNul(inMemory(scalar(value)))),
      '',
    ),
  join: ([separator, list]) =>
    bounded(
      asList(list!).map((value) => upToNul(inMemory(value))),
      inMemory(scalar(separator!)),
    ),
  getopt: ([words, optstring], index) => {
    const list = asList(words!).map(inMemory);
    const options = inMemory(scalar(optstring!));
    return index === undefined ? getopt(list, options, undefined) : getopt(list, options, index);
  },
};

function scalar(value: Present): Exclude<Present, readonly string[]> {
  return (Array.isArray(value) ? (value[0] ?? '') : value) as Exclude<Present, readonly string[]>;
}

function asList(value: Present): readonly Exclude<Present, readonly string[]>[] {
  return Array.isArray(value) ? (value as readonly string[]) : [value as Exclude<Present, readonly string[]>];
}

function bounded(texts: readonly string[], separator: string): string | undefined {
  let length = separator.length * Math.max(0, texts.length - 1);
  for (const text of texts) length += text.length;
  return length > MAX_TEXT ? undefined : texts.join(separator);
}
