import { upToNul } from '../bytes.ts';
import { ABSENT } from '../document/index.ts';
import { indentLikeGo } from './indent.ts';
import type { Paths } from './paths.ts';
import type { FieldRow, Reader } from './row.ts';

/** Fields of the json plugin, under its own prefix and under its old one. They need no auditID. */
export const JSON_FIELDS: readonly FieldRow[] = ['jevt', 'json'].flatMap((prefix): FieldRow[] => [
  {
    name: `${prefix}.value`,
    type: 'string',
    list: false,
    argument: 'key',
    description: 'Value at a JSON pointer (/a/b/0; ~1 for a slash in a key): a string as its text, anything else as JSON text.',
    reads: (pointer) => (pointer ? keysOf(pointer) : []),
    bind: bindPointer,
  },
  {
    name: `${prefix}.obj`,
    type: 'string',
    list: false,
    argument: 'none',
    description: 'The whole event as JSON text, indented by two blanks.',
    bind: () => (event) => indentLikeGo(event.payload),
  },
  {
    name: `${prefix}.rawtime`,
    type: 'string',
    list: false,
    argument: 'none',
    description: "The event's time as text: nanoseconds since the epoch.",
    reads: () => 'time',
    always: true,
    bind: () => (event) => event.nanosecondsText,
  },
]);

function bindPointer(pointer: string | undefined, paths: Paths): Reader {
  const text = pointer ?? '';
  if (text === '') return (event) => upToNul(event.plain.write(event.plain.root));
  const path = paths.plain(...keysOf(text));
  return (event) => {
    const value = path.find(event);
    return value === ABSENT ? undefined : event.plain.text(value);
  };
}

/** The steps of a JSON pointer that is not empty; the leading slash may be left out. */
function keysOf(pointer: string): string[] {
  return pointer
    .replace(/^\//, '')
    .split('/')
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}
