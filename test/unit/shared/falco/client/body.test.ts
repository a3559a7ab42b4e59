import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventListBody, planBodies, WEBHOOK_MAX_BYTES } from '../../../../../shared/falco/client/body.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const lengthOf = (sizes: readonly number[]) => eventListBody(sizes.map((size) => new Uint8Array(size))).byteLength;

describe('planBodies', () => {
  it('covers every event once, in order, in bodies that are full but not over the limits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 2, max: 600 }), { maxLength: 60 }),
        fc.integer({ min: 100, max: 2000 }),
        fc.integer({ min: 1, max: 12 }),
        (sizes, maxBytes, maxEvents) => {
          const { bodies, tooLarge } = planBodies(sizes, { maxBytes, maxEvents });
          expect(tooLarge).toEqual([]);
          expect(bodies.flatMap(({ from, to }) => sizes.slice(from, to))).toEqual(sizes);
          for (const [n, { from, to }] of bodies.entries()) {
            expect(to - from).toBeGreaterThan(0);
            expect(to - from).toBeLessThanOrEqual(maxEvents);
            if (to - from > 1) expect(lengthOf(sizes.slice(from, to))).toBeLessThanOrEqual(maxBytes);
            // The next event would not have fitted.
            const next = bodies[n + 1];
            if (next) expect(to - from === maxEvents || lengthOf(sizes.slice(from, to + 1)) > maxBytes).toBe(true);
          }
        },
      ),
    );
  });

  it('sends an event over the target alone, refuses what no body can hold, spares the neighbours', () => {
    const sizes = [10, 5000, 10, WEBHOOK_MAX_BYTES, 10, 11];
    expect(planBodies(sizes, { maxBytes: 1024, maxEvents: 100 })).toEqual({
      bodies: [
        { from: 0, to: 1 },
        { from: 1, to: 2 },
        { from: 2, to: 3 },
        { from: 4, to: 6 },
      ],
      tooLarge: [3],
    });
  });

  it('keeps room under the hard limit for a later attempt stamp on every event', () => {
    const sizes = new Array<number>(70_000).fill(300);
    const { bodies } = planBodies(sizes, { maxBytes: WEBHOOK_MAX_BYTES, maxEvents: 100_000 });
    for (const { from, to } of bodies)
      expect(lengthOf(sizes.slice(from, to).map((size) => size + 60))).toBeLessThanOrEqual(WEBHOOK_MAX_BYTES);
  });

  it('plans nothing for nothing', () => {
    expect(planBodies([], { maxBytes: 1024, maxEvents: 1 })).toEqual({ bodies: [], tooLarge: [] });
  });
});

describe('eventListBody', () => {
  it('is an EventList whose items are the texts, byte for byte', () => {
    fc.assert(
      fc.property(fc.array(fc.json(), { minLength: 1, maxLength: 8 }), (texts) => {
        const body = Buffer.from(eventListBody(texts.map(bytes))).toString();
        expect(JSON.parse(body)).toEqual({
          kind: 'EventList',
          apiVersion: 'audit.k8s.io/v1',
          items: texts.map((text) => JSON.parse(text)),
        });
        expect(body.endsWith(`"items":[${texts.join(',')}]}`)).toBe(true);
      }),
    );
  });

  it('is never empty', () => {
    expect(() => eventListBody([])).toThrow(RangeError);
  });
});
