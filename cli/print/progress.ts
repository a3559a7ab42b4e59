import { type Out, paletteFor } from './terminal.ts';

/** Between two lines where nobody watches, and between two frames where somebody does, milliseconds. */
const LINE_EVERY_MS = 5000;
const FRAME_EVERY_MS = 100;
const BAR_CELLS = 24;

export interface Progress {
  /** `fraction` (0 to 1) when the end is known. */
  update(text: string, fraction?: number): void;
  /** Clears the line, so that what follows stands alone. */
  end(): void;
}

/** Progress on one line of a terminal that is drawn over; elsewhere a line every few seconds, so that a CI log stays short. */
export function createProgress(out: Out, now: () => number = Date.now): Progress {
  const paint = paletteFor(out);
  // The first line comes after one interval: what is quick stays quiet.
  let nextMs = now() + (out.isTTY ? FRAME_EVERY_MS : LINE_EVERY_MS);
  let drawn = false;
  return {
    update(text, fraction) {
      if (now() < nextMs) return;
      nextMs = now() + (out.isTTY ? FRAME_EVERY_MS : LINE_EVERY_MS);
      if (!out.isTTY) {
        out.write(`${fraction === undefined ? '' : `${percent(fraction)} `}${text}\n`);
        return;
      }
      drawn = true;
      out.write(`\r\x1b[2K${fraction === undefined ? '' : `${paint.cyan(bar(fraction))} ${percent(fraction)} `}${text}`);
    },
    end() {
      if (drawn) out.write('\r\x1b[2K');
      drawn = false;
    },
  };
}

function bar(fraction: number): string {
  const full = Math.round(Math.min(1, fraction) * BAR_CELLS);
  return '█'.repeat(full) + '░'.repeat(BAR_CELLS - full);
}

function percent(fraction: number): string {
  return `${Math.floor(Math.min(1, fraction) * 100)}%`.padStart(4);
}
