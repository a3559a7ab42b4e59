import pc from 'picocolors';

/** The part of a stream that printing needs. */
export interface Out {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export type Palette = ReturnType<typeof pc.createColors>;

/** Colour only where a person looks, and not against their will (`NO_COLOR`). */
export function paletteFor(out: Out): Palette {
  return pc.createColors(out.isTTY === true && pc.isColorSupported);
}

/**
 * A text as it may be shown on a terminal: control characters, which could move the cursor or rewrite what stands above, and direction marks become U+FFFD.
 * Of arrays and objects every text in them. What callers of the Kubernetes API chose (names, users, URIs) and files hold goes through here.
 */
export function visible<Value>(value: Value): Value {
  if (typeof value === 'string') return value.replace(/[^\P{C}\n\t]/gu, '\ufffd') as Value;
  if (Array.isArray(value)) return value.map((item) => visible(item)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, visible(member)])) as Value;
}
