import { JsonDocument, MemberIndex } from '../document/index.ts';
import { asBuffer } from './bytes.ts';

/** One event's text, read to its end. */
export interface ReadEvent {
  readonly index: MemberIndex;
  /** The text with no line break in it: blanks between tokens go; a line break in a string, which only Falco's parser allows, becomes an escape. */
  onOneLine(): Buffer;
}

/** Undefined for text that Falco cannot read as one JSON object. */
export function readEvent(raw: Uint8Array): ReadEvent | undefined {
  const bytes = asBuffer(raw);
  const index = new MemberIndex(bytes, 0, bytes.length);
  if (!index.finish()) return undefined;
  return {
    index,
    onOneLine: () => {
      const document = new JsonDocument(index);
      return Buffer.from(document.write(document.root).replaceAll('\n', '\\n').replaceAll('\r', '\\r'), 'latin1');
    },
  };
}
