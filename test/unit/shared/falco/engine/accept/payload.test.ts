import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitPayload } from '../../../../../../shared/falco/engine/index.ts';

const split = (text: string): readonly string[] | undefined =>
  splitPayload(Buffer.from(text))?.map((event) => Buffer.from(event).toString());

describe('the events of a payload', () => {
  it.each([
    [' {"kind":"Event", "n":1.50}\n', ['{"kind":"Event", "n":1.50}']],
    ['{"kind":"EventList","items":[{"a":1},{"kind":"Pod"}, 3]}', ['{"a":1}', '{"kind":"Pod"}', '3']],
    ['[{"kind":"Event"},[{"kind":"EventList","items":[{}]}]]', ['{"kind":"Event"}', '{}']],
    ['[]', []],
    ['{"k\\u0069nd":"\\u0045vent"}', ['{"k\\u0069nd":"\\u0045vent"}']],
    ['{"kind":"Event","kind":"Pod"}', ['{"kind":"Event","kind":"Pod"}']],
    ['{"k\\u0069nd":"Pod","kind":"Event"}', ['{"k\\u0069nd":"Pod","kind":"Event"}']],
  ])('%s', (payload, events) => {
    expect(split(payload)).toEqual(events);
  });

  it.each([
    ['another kind', '{"kind":"Pod"}'],
    ['no kind', '{}'],
    ['a kind that is no string', '{"kind":1}'],
    ['a list without items', '{"kind":"EventList"}'],
    ['an empty list', '{"kind":"EventList","items":[]}'],
    ['items that are no array', '{"kind":"EventList","items":{}}'],
    ['one element among others', '[{"kind":"Event"},{"kind":"Nope"}]'],
    ['text behind the end', '{"kind":"Event"} x'],
    ['broken JSON', '{"kind":"Event"'],
    ['no JSON', ''],
    ['too deep', `${'['.repeat(400)}${']'.repeat(400)}`],
  ])('all lost: %s', (_name, payload) => {
    expect(split(payload)).toBeUndefined();
  });

  it('come out as they went in, whatever they hold', () => {
    const event = fc
      .dictionary(fc.string(), fc.jsonValue(), { maxKeys: 4 })
      .map((members) => JSON.stringify({ kind: 'Event', ...members, ...('kind' in members && { kind: 'Event' }) }));
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 5 }), fc.constantFrom('', ' ', '\n'), (events, blank) => {
        expect(split(`[${blank}${events.join(`${blank},`)}${blank}]`)).toEqual(events);
        expect(split(`{"items":[${events.join(',')}],${blank}"kind":"EventList"}`)).toEqual(events);
      }),
      { numRuns: 300 },
    );
  });

  it('any bytes are split, or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        splitPayload(bytes);
      }),
      { numRuns: 1000 },
    );
  });
});
