import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEvents } from '../../../../cli/evaluate/lines.ts';
import { readEvent } from '../../../../shared/falco/engine/index.ts';

const event = (id: number, extra = '') =>
  `{"kind":"Event","auditID":"${id}","stage":"ResponseComplete","stageTimestamp":"2026-01-02T03:04:05Z"${extra}}`;

async function read(bytes: Uint8Array, chunkBytes: number) {
  const events: string[] = [];
  const broken: string[] = [];
  let skipped = 0;
  async function* source() {
    for (let i = 0; i < bytes.length; i += chunkBytes) yield bytes.subarray(i, i + chunkBytes);
  }
  await readEvents(source(), 'in', {
    event: (raw, place) => {
      if (!readEvent(raw)) return false;
      events.push(`${JSON.parse(raw.toString()).auditID}@${place()}`);
      return true;
    },
    broken: (place, why) => void broken.push(`${place} ${why}`),
    skipped: (count) => {
      skipped += count;
    },
    pause: async () => {},
  });
  return { events, broken, skipped };
}

describe('reading events', () => {
  it('takes plain lines, wherever chunks are cut, with or without a last line feed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 300 }), fc.boolean(), async (count, chunk, last) => {
        const lines = Array.from({ length: count }, (_, i) => event(i, `,"pad":"${'x'.repeat(i * 17)}"`));
        const { events, broken } = await read(Buffer.from(lines.join('\n') + (last && count > 0 ? '\n' : '')), chunk);
        expect(events).toEqual(lines.map((_, i) => `${i}@in:${i + 1}`));
        expect(broken).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('goes on as replay would behind the first line that is no plain event, and keeps counting lines', async () => {
    const list = `{"kind":"EventList","items":[${event(2)},${event(3)}]}`;
    const text = [event(1), list, event(4).replace('{"kind"', '{ "kind"'), '', event(5)].join('\n');
    for (const chunk of [7, 100_000]) {
      expect((await read(Buffer.from(text), chunk)).events).toEqual(['1@in:1', '2@in:2', '3@in:2', '4@in:3', '5@in:5']);
    }
    const pretty = JSON.stringify(JSON.parse(event(2)), null, 1);
    expect((await read(Buffer.from(`${event(1)}\n${pretty}\n${event(3)}`), 64)).events).toEqual([
      '1@in:1',
      '2@in:2',
      `3@in:${2 + pretty.split('\n').length}`,
    ]);
  });

  it('inflates, and names what is broken by its line', async () => {
    expect((await read(gzipSync(`${event(1)}\n${event(2)}\n`), 50)).events).toEqual(['1@in:1', '2@in:2']);
    const { events, broken } = await read(Buffer.from(`${event(1)}\n{"kind":"Event","x":oops}\n${event(3)}\n{"kind":"Event","cut`), 1000);
    expect(events).toEqual(['1@in:1', '3@in:3']);
    expect(broken.length).toBe(2);
    expect(broken[0]).toMatch(/^in:2 /);
    expect(broken[1]).toMatch(/^in:4 /);
  });

  it('hands on events without an auditID, as Falco takes them', async () => {
    const text = `[{"kind":"Event","stage":"x","stageTimestamp":"2026-01-02T03:04:05Z"}]`;
    expect((await read(Buffer.from(text), 1000)).events).toEqual(['undefined@in:1']);
  });
});
