import { describe, expect, it } from 'vitest';
import { reservationFor } from '../../../../../shared/respond/budget/index.ts';
import type { Policy } from '../../../../../shared/respond/policy/schema.ts';

const policy = {
  policy: 'p',
  budget: { policy: 30, cluster: 20, namespace: 10, per: '1h' },
  cooldown: '10m',
} as unknown as Policy;
const target = { apiGroup: 'apps', apiVersion: 'v1', resource: 'deployments', namespace: 'prod', name: 'web' };
const HOUR_MS = 3_600_000;
const at = (eventMs: number, nowMs = eventMs) => ({ eventMs, nowMs });

describe('the places that a happening takes', () => {
  it('are of its namespace, its cluster and its policy, the narrowest first, each with its own maximum', () => {
    expect(reservationFor('claim', policy, 'c', target, at(5 * HOUR_MS + 7, 5 * HOUR_MS + 9), false)).toEqual({
      claim: 'claim',
      window: {
        key: `p/${5 * HOUR_MS}`,
        endsAtMs: 6 * HOUR_MS,
        counters: [
          { what: 'policy p in namespace prod', scope: 'c/prod', max: 10 },
          { what: 'policy p in cluster c', scope: 'c', max: 20 },
          { what: 'policy p', scope: '', max: 30 },
        ],
      },
      cooldown: { what: 'web', key: expect.stringMatching(/^p\/[0-9a-f]{64}$/), untilMs: 5 * HOUR_MS + 9 + 600_000 },
    });
  });

  it('are of no namespace where the object has none', () => {
    const { namespace: _, ...clusterScoped } = target;
    const { window } = reservationFor('claim', policy, 'c', clusterScoped, at(0), false);
    expect(window.counters.map(({ scope }) => scope)).toEqual(['c', '']);
  });

  it('of a question cool nothing down', () => {
    const asked = reservationFor('claim', policy, 'c', target, at(0), true);
    expect(asked).not.toHaveProperty('cooldown');
    expect(asked.window).toEqual(reservationFor('claim', policy, 'c', target, at(0), false).window);
  });

  it('fit into a key of DynamoDB, however long a name is', () => {
    const { cooldown } = reservationFor('claim', policy, 'c', { ...target, name: 'x'.repeat(8_192) }, at(0), false);
    expect(cooldown!.key.length).toBeLessThan(200);
  });

  it('are of the window of the event, however late they are taken', () => {
    const windowOf = (eventMs: number, nowMs: number) => reservationFor('claim', policy, 'c', target, at(eventMs, nowMs), false).window;
    expect(windowOf(HOUR_MS, HOUR_MS)).toEqual(windowOf(2 * HOUR_MS - 1, 50 * HOUR_MS));
    expect(windowOf(2 * HOUR_MS, 2 * HOUR_MS)).toMatchObject({ key: `p/${2 * HOUR_MS}`, endsAtMs: 3 * HOUR_MS });
  });

  it('share nothing between policies, clusters, namespaces, kinds and names', () => {
    const { apiGroup, apiVersion, resource, namespace, name } = target;
    const others = [
      [policy, 'c', target],
      [{ ...policy, policy: 'q' }, 'c', target],
      [policy, 'd', target],
      [policy, 'c', { ...target, apiGroup: 'other' }],
      [policy, 'c', { ...target, resource: 'daemonsets' }],
      [policy, 'c', { ...target, namespace: 'test' }],
      [policy, 'c', { ...target, name: 'api' }],
      [policy, 'c', { apiGroup, apiVersion, resource, name: namespace }],
      [policy, 'c', { apiGroup, apiVersion, resource: `${resource}/${namespace}`, name }],
    ] as const;
    const keys = others.map(([by, cluster, object]) => reservationFor('claim', by, cluster, object, at(0), false).cooldown!.key);
    expect(new Set(keys).size).toBe(others.length);
  });
});
