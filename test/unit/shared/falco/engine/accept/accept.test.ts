import { describe, expect, it } from 'vitest';
import { acceptEvent, MAX_EVENT_BYTES, readEvent } from '../../../../../../shared/falco/engine/accept/index.ts';

const TIME = '"stageTimestamp":"2026-01-02T03:04:05Z"';

function outcome(text: string, maxBytes?: number): string {
  const acceptance = acceptEvent(Buffer.from(text), undefined, maxBytes);
  return 'event' in acceptance ? acceptance.event.payload : acceptance.rejection.reason;
}

describe('acceptance', () => {
  it('looks at the timestamp and at nothing else', () => {
    expect(outcome(`{${TIME}}`)).toBe(`{${TIME}}`);
    expect(outcome(`{"kind":"Whatever","stage":7,${TIME}}`)).toContain('Whatever');
    expect(outcome('{"kind":"Event"}')).toBe('timestamp');
    expect(outcome('{"stageTimestamp":1767323045}')).toBe('timestamp');
    expect(outcome('{"stageTimestamp":"yesterday"}')).toBe('timestamp');
    // The first of two counts, and an escaped key is found where no plain one is.
    expect(outcome(`{"stageTimestamp":"yesterday",${TIME}}`)).toBe('timestamp');
    expect(outcome('{"st\\u0061geTimestamp":"2026-01-02T03:04:05Z"}')).toBe(`{${TIME}}`);
  });

  it('refuses what is no JSON object, at the byte', () => {
    for (const text of ['', '[]', '"x"', `{${TIME}`, `{${TIME}}}`, `{${TIME},}`]) expect(outcome(text), text).toBe('malformed');
    expect(acceptEvent(Buffer.from('{"a":x}'))).toEqual({ rejection: { reason: 'malformed', offset: 5 } });
  });

  it('hands on the compact text, with kind and time written anew where they held escapes', () => {
    expect(outcome(`{ "kind" : "E\\u0076ent" , "a" : "\\u003c" , ${TIME} }`)).toBe(`{"kind":"Event","a":"\\u003c",${TIME}}`);
    expect(outcome('{"kind":"Event","stageTimestamp":"2026-01-02T03:04:05\\u005a"}')).toBe(`{"kind":"Event",${TIME}}`);
  });

  it('measures the compact text', () => {
    const padded = `{${TIME},"a":[${' '.repeat(200)}1]}`;
    expect(outcome(padded, 60)).toBe(`{${TIME},"a":[1]}`);
    expect(outcome(padded, 40)).toBe('oversize');
    expect(outcome(`{${TIME},"a":"${'x'.repeat(MAX_EVENT_BYTES)}"}`)).toBe('oversize');
  });

  it('counts only what it accepts', () => {
    const accepted = acceptEvent(Buffer.from(`{${TIME}}`));
    expect('event' in accepted && [accepted.event.number, accepted.event.nanosecondsText]).toEqual([1, '1767323045000000000']);
  });

  it('puts an event on one line without touching its texts', () => {
    const event = readEvent(Buffer.from(`{\n  "a" : [ 1.0,\n "x y\\u003c" ],\r\n${TIME} }\n`));
    expect(event?.onOneLine().toString()).toBe(`{"a":[1.0,"x y\\u003c"],${TIME}}`);
    expect(readEvent(Buffer.from('{"a":"1\n2"}'))?.onOneLine().toString()).toBe('{"a":"1\\n2"}');
    expect(readEvent(Buffer.from('{"a"'))).toBe(undefined);
  });
});
