import { ABSENT, type JsonDocument, type Value } from '../document/index.ts';
import type { Paths } from './paths.ts';
import type { Reader } from './row.ts';

/** The text at a path of the audit event. */
export function textAt(paths: Paths, ...keys: readonly string[]): Reader {
  const path = paths.audit(...keys);
  return (event) => {
    const value = path.find(event);
    return value === ABSENT ? undefined : event.audit.text(value);
  };
}

/** The elements of the array at a path, each as text. */
export function textsAt(paths: Paths, ...keys: readonly string[]): Reader {
  const path = paths.audit(...keys);
  return (event) => {
    const value = path.find(event);
    if (value === ABSENT || !event.audit.isArray(value)) return undefined;
    return some(event.audit.elements(value).map((element) => event.audit.text(element)));
  };
}

/** An empty list is a missing value. */
export function some(texts: readonly string[]): readonly string[] | undefined {
  return texts.length === 0 ? undefined : texts;
}

/**
 * The plugin's walk along a path on which arrays may stand: each array that is met before the last step is expanded, or, with an index,
 * replaced by its element of that number. An element that lacks the rest of the path leaves a hole (ABSENT). `undefined`: the path leads nowhere.
 */
export function walk(document: JsonDocument, from: Value, keys: readonly string[], index: number | undefined): Value[] | undefined {
  let value = from;
  if (value === ABSENT) return undefined;
  for (let i = 0; i < keys.length; i++) {
    if (document.isArray(value)) {
      if (index === undefined) {
        const rest = keys.slice(i);
        return document.elements(value).flatMap((element) => walk(document, element, rest, index) ?? [ABSENT]);
      }
      value = document.element(value, index);
      if (value === ABSENT) return undefined;
    }
    // An empty key stands for the value itself: it only makes a last array expand.
    if (keys[i] !== '') value = document.get(value, keys[i]!);
    if (value === ABSENT) return undefined;
  }
  return [value];
}
