import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue, KubeObject } from '../../../../../shared/platform/kube/index.ts';
import { planDeletion } from '../../../../../shared/respond/action/delete-effect.ts';
import { describeEffect, inversePatch, type JsonPatch, satisfies } from '../../../../../shared/respond/action/effect.ts';

/** RFC 7396, as the API server applies it. */
function merge(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const record = typeof target === 'object' && target !== null && !Array.isArray(target) ? (target as JsonPatch) : {};
  const merged: Record<string, JsonValue> = { ...record };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete merged[name];
    else merged[name] = merge(merged[name], value);
  }
  return merged;
}

const name = fc.constantFrom('a', 'b', 'c');
/** What an API server keeps: it has no null members. */
const { kept } = fc.letrec<{ kept: JsonValue }>((tie) => ({
  kept: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<JsonValue>('x', 'y', 1, true),
    fc.array(tie('kept'), { maxLength: 2 }),
    fc.dictionary(name, tie('kept'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));
const { patch } = fc.letrec<{ patch: JsonValue }>((tie) => ({
  patch: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<JsonValue>('x', 'y', 1, null),
    fc.array(kept, { maxLength: 2 }),
    fc.dictionary(name, tie('patch'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));
const object = fc.dictionary(name, kept, { maxKeys: 3, noNullPrototype: true }) as fc.Arbitrary<JsonPatch>;
const objectPatch = fc.dictionary(name, patch, { maxKeys: 3, noNullPrototype: true }) as fc.Arbitrary<JsonPatch>;

/** Without members that hold nothing: a patch into what is not there leaves them behind. */
const bare = (value: JsonValue): JsonValue => {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).flatMap(([key, member]) => {
    const inner = bare(member as JsonValue);
    return typeof inner === 'object' && !Array.isArray(inner) && Object.keys(inner!).length === 0 ? [] : [[key, inner] as const];
  });
  return Object.fromEntries(members);
};

describe('a merge patch', () => {
  it('is satisfied by what it makes of anything, and where it would change nothing', () => {
    fc.assert(
      fc.property(object, objectPatch, (before, change) => {
        const after = merge(before, change);
        expect(satisfies(after, change)).toBe(true);
        const nothing = satisfies(before, change);
        if (isDeepStrictEqual(before, after)) expect(nothing).toBe(true);
        if (nothing) expect(bare(after)).toEqual(bare(before));
      }),
      { numRuns: 1000 },
    );
  });

  it('is taken back by its inverse, which leaves alone what others have added', () => {
    fc.assert(
      fc.property(object, objectPatch, (before, change) => {
        const inverse = inversePatch(before, change);
        const after = merge(merge(before, change), inverse);
        expect(bare(after)).toEqual(bare(before));
        expect(merge({ ...(merge(before, change) as JsonPatch), theirs: 1 }, inverse)).toMatchObject({ theirs: 1 });
      }),
      { numRuns: 1000 },
    );
  });

  it('tells lists apart by every item', () => {
    const lists: readonly JsonValue[] = [
      [],
      [1],
      [2],
      [1, 2],
      [2, 1],
      [[1]],
      [{ a: 1 }],
      [{ a: 1, b: 2 }],
      [{ b: 1 }],
      [null],
      ['1'],
      { 0: 1, length: 1 },
    ];
    for (const [at, a] of lists.entries())
      for (const [other, b] of lists.entries())
        if (Array.isArray(b)) expect(satisfies({ list: a }, { list: b }), `${JSON.stringify(a)} ${JSON.stringify(b)}`).toBe(at === other);
  });
});

const pod = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web' };

it('an effect is told by its verb and its object', () => {
  const change = { uid: 'u', resourceVersion: '1', patch: {}, before: {} };
  expect(describeEffect({ verb: 'patch', object: pod, ...change })).toBe('patch pods prod/web');
  const binding = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1', resource: 'clusterrolebindings', name: 'b' };
  expect(describeEffect({ verb: 'patch', object: binding, ...change })).toBe('patch clusterrolebindings.rbac.authorization.k8s.io b');
  expect(describeEffect({ verb: 'keep', object: pod, uid: 'u', user: '', groups: [], logBytes: 1 })).toBe('keep evidence of pods prod/web');
  expect(describeEffect({ verb: 'send', channels: ['a', 'b'] })).toBe('send to a, b');
});

describe('a deletion', () => {
  const live = (metadata: object = {}, more: object = {}) =>
    ({
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'prod', uid: 'u', resourceVersion: '7', creationTimestamp: 'x', ...metadata },
      ...more,
    }) as unknown as KubeObject;
  const background = { propagationPolicy: 'Background' } as const;

  it('is of exactly the object that was looked at, with what would bring it back', () => {
    expect(
      planDeletion({ ...pod, uid: 'other' } as typeof pod, live({ labels: { a: 'b' } }, { spec: { s: 1 }, status: { t: 1 } }), background),
    ).toEqual({
      effects: [
        {
          verb: 'delete',
          object: pod,
          uid: 'u',
          resourceVersion: '7',
          propagationPolicy: 'Background',
          before: { kind: 'Pod', metadata: { name: 'web', namespace: 'prod', labels: { a: 'b' } }, spec: { s: 1 } },
        },
      ],
      caveats: [],
    });
    const { namespace: _, ...clusterScoped } = pod;
    expect(planDeletion(clusterScoped, live(), { propagationPolicy: 'Orphan', gracePeriodSeconds: 0 })).toMatchObject({
      effects: [{ object: clusterScoped, propagationPolicy: 'Orphan', gracePeriodSeconds: 0 }],
    });
  });

  it('says what finalizers may do, or takes them away', () => {
    const held = live({ finalizers: ['a/b', 'c/d'] });
    expect(planDeletion(pod, held, background)).toMatchObject({
      caveats: ['finalizers may keep it (a/b, c/d): it is gone only once they are'],
    });
    const releasing = planDeletion(pod, held, { ...background, releases: true });
    expect(releasing).toMatchObject({ effects: [{ releases: true }], caveats: [] });
    expect(planDeletion(pod, live(), { ...background, releases: true })).not.toMatchObject({ effects: [{ releases: true }] });
  });

  it('is refused where it is under way, unless only finalizers keep the object', () => {
    const leaving = { deletionTimestamp: '2026-11-21T08:00:00Z' };
    expect(planDeletion(pod, live(leaving), background)).toEqual({ refusal: 'web is being deleted already' });
    expect(planDeletion(pod, live({ ...leaving, finalizers: ['a/b'] }), background)).toHaveProperty('refusal');
    expect(planDeletion(pod, live({ ...leaving, finalizers: ['a/b'] }), { ...background, releases: true })).toHaveProperty('effects');
    expect(planDeletion(pod, live(leaving), { ...background, releases: true })).toHaveProperty('refusal');
  });

  it('is refused where the object could not be kept', () => {
    const bytes = Buffer.byteLength(JSON.stringify({ kind: 'Pod', metadata: { name: 'web', namespace: 'prod' }, data: '' }));
    const sized = (size: number) => planDeletion(pod, live({}, { data: 'x'.repeat(size - bytes) }), background);
    expect(sized(262_144)).toHaveProperty('effects');
    expect(sized(262_145)).toEqual({ refusal: expect.stringContaining('too large to be kept for undo (262145 bytes') });
  });
});
