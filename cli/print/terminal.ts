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
