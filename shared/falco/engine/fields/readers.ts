import { findField } from './catalogue.ts';
import { Paths } from './paths.ts';
import type { Reader } from './row.ts';

/** Readers of fields that conditions and outputs share: each field with each argument is extracted once per event. */
export class FieldReaders {
  readonly #paths = new Paths();
  readonly #readers = new Map<string, Reader>();

  /** The reader of a field that {@link findField} knows. */
  reader(name: string, argument: string | undefined): Reader {
    const key = argument === undefined ? name : `${name}[${argument}]`;
    let reader = this.#readers.get(key);
    if (!reader) {
      const found = findField(name, argument);
      if ('problem' in found) throw new TypeError(`${found.problem.message}: the condition was not checked before it was compiled`);
      reader = oncePerEvent(found.row.bind(argument, this.#paths));
      this.#readers.set(key, reader);
    }
    return reader;
  }
}

function oncePerEvent(extract: Reader): Reader {
  let epoch = 0;
  let value: ReturnType<Reader>;
  return (event) => {
    if (event.epoch !== epoch) {
      value = extract(event);
      epoch = event.epoch;
    }
    return value;
  };
}
