import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../../../shared/platform/kube/index.ts';
import { type LabelSelector, neededLabels, selectorOf, selects } from '../../../../../shared/respond/action/selectors.ts';

const labels = { app: 'web', tier: 'front' };
const by = (key: string, operator: string, ...values: string[]): LabelSelector => ({ matchExpressions: [{ key, operator, values }] });

describe('a selector', () => {
  it.each<[string, LabelSelector, boolean]>([
    ['nothing selects everything', {}, true],
    ['a label that is there', { matchLabels: { app: 'web' } }, true],
    ['a label of another value', { matchLabels: { app: 'db' } }, false],
    ['a label that is not there', { matchLabels: { x: 'y' } }, false],
    ['one of two labels', { matchLabels: { app: 'web', tier: 'back' } }, false],
    ['In', by('app', 'In', 'db', 'web'), true],
    ['In without it', by('app', 'In', 'db'), false],
    ['In of what is not there', by('x', 'In', 'y'), false],
    ['NotIn', by('app', 'NotIn', 'db'), true],
    ['NotIn with it', by('app', 'NotIn', 'db', 'web'), false],
    ['NotIn of what is not there', by('x', 'NotIn', 'y'), true],
    ['Exists', by('app', 'Exists'), true],
    ['Exists of what is not there', by('x', 'Exists'), false],
    ['DoesNotExist', by('x', 'DoesNotExist'), true],
    ['DoesNotExist of what is there', by('app', 'DoesNotExist'), false],
    ['an operator that nobody knows', by('app', 'Like', 'x'), true],
    [
      'one of two expressions',
      { matchExpressions: [...by('app', 'Exists').matchExpressions!, ...by('x', 'Exists').matchExpressions!] },
      false,
    ],
    ['labels without the expression', { matchLabels: { app: 'web' }, ...by('x', 'Exists') }, false],
    ['In without values', { matchExpressions: [{ key: 'app', operator: 'In' }] }, false],
  ])('by %s', (_, selector, does) => {
    expect(selects(selector, labels)).toBe(does);
  });

  it('needs the labels that it names and the pod has; what it forbids is nothing to lose', () => {
    expect(neededLabels({ matchLabels: { app: 'web', x: 'y' } }, labels)).toEqual(['app']);
    expect(neededLabels(by('tier', 'In', 'front'), labels)).toEqual(['tier']);
    expect(neededLabels(by('tier', 'Exists'), labels)).toEqual(['tier']);
    for (const operator of ['NotIn', 'DoesNotExist', 'Like']) expect(neededLabels(by('tier', operator), labels)).toEqual([]);
    expect(neededLabels({}, labels)).toEqual([]);
  });
});

describe('the selector of', () => {
  const of = (kind: string, spec?: unknown) => selectorOf({ kind, spec } as unknown as KubeObject);

  it.each<[string, string, unknown, LabelSelector | undefined]>([
    ['a NetworkPolicy', 'NetworkPolicy', { podSelector: { matchLabels: { a: 'b' } } }, { matchLabels: { a: 'b' } }],
    ['a NetworkPolicy for all pods', 'NetworkPolicy', { podSelector: {} }, {}],
    ['a NetworkPolicy without one', 'NetworkPolicy', {}, {}],
    ['a policy of another kind', 'Other', { podSelector: { matchLabels: { a: 'b' } } }, { matchLabels: { a: 'b' } }],
    ['a Service', 'Service', { selector: { a: 'b' } }, { matchLabels: { a: 'b' } }],
    ['a Service without pods', 'Service', { selector: {} }, undefined],
    ['a Service of a name', 'Service', {}, undefined],
    ['nothing', 'Service', undefined, undefined],
    ['null', 'Service', { selector: null }, undefined],
    ['a text', 'Service', { selector: 'a=b' }, undefined],
    ['a ReplicaSet', 'ReplicaSet', { selector: { matchLabels: { a: 'b' } } }, { matchLabels: { a: 'b' } }],
    ['a ReplicaSet by expressions', 'ReplicaSet', { selector: by('a', 'Exists') }, by('a', 'Exists')],
  ])('%s', (_, kind, spec, selector) => {
    expect(of(kind, spec)).toEqual(selector);
  });
});
