import { describe, expect, it } from 'vitest';
import { actionCatalogue } from '../../../../../shared/respond/action/registry.ts';
import { isAmong, resourceName, splitResource } from '../../../../../shared/respond/action/resources.ts';
import type { Target } from '../../../../../shared/respond/target.ts';
import { bindingAlert } from '../../../../support/alerts.ts';

const pod: Target = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web', uid: 'u' };
const deployment: Target = { ...pod, apiGroup: 'apps', resource: 'deployments' };
const binding: Target = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1', resource: 'clusterrolebindings', name: 'b', uid: 'u' };
const roleBinding: Target = { ...binding, resource: 'rolebindings', namespace: 'prod' };
const node: Target = { apiGroup: '', apiVersion: 'v1', resource: 'nodes', name: 'n', uid: 'u' };

const resources = ['pods', 'deployments.apps'];
const TAKES: Readonly<Record<string, { readonly with: object; readonly takes: readonly Target[]; readonly declines: readonly Target[] }>> =
  {
    'delete-binding': {
      with: {},
      takes: [binding, roleBinding],
      declines: [
        pod,
        { ...binding, apiGroup: 'example.com' },
        { ...binding, resource: 'clusterroles' },
        { ...binding, subresource: 'status' },
      ],
    },
    'isolate-pod': {
      with: { enforcement: 'assume' },
      takes: [pod, { ...pod, subresource: 'exec' }],
      declines: [deployment, { ...pod, apiGroup: 'metrics.k8s.io' }, { ...node, resource: 'pods' }, node],
    },
    'delete-object': {
      with: { resources },
      takes: [pod, deployment],
      declines: [binding, node, { ...pod, apiGroup: 'apps' }, { ...deployment, apiGroup: '' }],
    },
    label: { with: { resources, labels: { a: 'b' } }, takes: [pod, deployment], declines: [binding, node, { ...pod, apiGroup: 'apps' }] },
    'capture-evidence': { with: { resources }, takes: [pod, deployment], declines: [binding, node] },
    notify: { with: { resources, channels: ['a'] }, takes: [pod, deployment], declines: [binding, node] },
  };

it('is said of every action', () => {
  expect(Object.keys(TAKES).sort()).toEqual([...actionCatalogue.keys()].sort());
});

describe.each(Object.entries(TAKES))('%s', (name, { with: parameters, takes, declines }) => {
  const action = actionCatalogue.get(name)!;
  const answer = (target: Target) => action.declines(target, bindingAlert(), parameters);

  it('takes what it is for', () => {
    for (const target of takes) expect(answer(target), JSON.stringify(target)).toBeUndefined();
  });

  it('declines everything else, and says what it is', () => {
    for (const target of declines) expect(answer(target), JSON.stringify(target)).toMatch(target.name);
  });
});

describe('names of resources', () => {
  it('stand for one resource of one group', () => {
    expect(isAmong(pod, ['pods'])).toBe(true);
    expect(isAmong(deployment, ['deployments.apps'])).toBe(true);
    expect(isAmong(deployment, ['deployments'])).toBe(false);
    expect(isAmong({ apiGroup: 'example.com', resource: 'pods' }, ['pods'])).toBe(false);
    expect(isAmong(pod, [])).toBe(false);
  });

  it('come apart at the first dot', () => {
    expect(splitResource('pods')).toEqual({ resource: 'pods', apiGroup: '' });
    expect(splitResource('rolebindings.rbac.authorization.k8s.io')).toEqual({
      resource: 'rolebindings',
      apiGroup: 'rbac.authorization.k8s.io',
    });
  });

  it.each([
    ['pods', true],
    ['deployments.apps', true],
    ['x1.a-b.io', true],
    ['Pods', false],
    ['pods/exec', false],
    ['*', false],
    ['pods.', false],
    ['.apps', false],
    ['1pods', false],
    ['pods apps', false],
    ['pods\n', false],
    ['', false],
  ])('%j is one: %s', (name, good) => {
    expect(resourceName.safeParse(name).success).toBe(good);
  });
});
