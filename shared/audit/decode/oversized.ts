import type { Origin } from '../record.ts';
import { startsBehind } from './window.ts';

/** A value that is too large to be held: passed over byte by byte, keeping only how deep it is nested and whether it is inside a string. */
export class Oversized {
  readonly start: number;
  readonly origin: Origin;
  #depth = 0;
  #inString = false;
  #escaped = false;
  #begun = false;

  constructor(start: number, origin: Origin) {
    this.start = start;
    this.origin = origin;
  }

  /**
   * Goes on at `bytes[i]`. `ended`: the value ends before `at`, because its brackets balance or because a line begins with a new value.
   * Stops two bytes early to see what follows a line feed.
   */
  passOver(bytes: Uint8Array, i: number): { readonly at: number; readonly ended: boolean; readonly balanced: boolean } {
    let j = i;
    for (; j < bytes.length; j++) {
      const c = bytes[j]!;
      if (c === 0x0a) {
        if (j + 2 >= bytes.length) return { at: j, ended: false, balanced: false };
        if (startsBehind(bytes, j)) return { at: j + 1, ended: true, balanced: false };
      }
      if (this.#escaped) this.#escaped = false;
      else if (this.#inString) {
        if (c === 0x5c) this.#escaped = true;
        else if (c === 0x22) this.#inString = false;
      } else if (c === 0x22) this.#inString = true;
      else if (c === 0x7b || c === 0x5b) {
        this.#depth++;
        this.#begun = true;
      } else if ((c === 0x7d || c === 0x5d) && this.#begun && --this.#depth === 0) return { at: j + 1, ended: true, balanced: true };
    }
    return { at: j, ended: false, balanced: false };
  }
}
