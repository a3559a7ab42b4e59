import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { actionCatalogue, loadPolicies, rightsFor } from '../../../../shared/respond/index.ts';

const root = resolve(import.meta.dirname, '../../../..');

it('the generated rights hold no wildcard and nothing that grants', () => {
  const documents = parseAllDocuments(readFileSync(resolve(root, 'infra/kubernetes/respond-rbac.yaml'), 'utf8')).map(
    (document) => document.toJS() as { kind: string; rules?: { apiGroups: string[]; resources: string[]; verbs: string[] }[] },
  );
  const rules = documents.flatMap(({ rules: all = [] }) => all);
  expect(rules.length).toBeGreaterThan(0);
  for (const { apiGroups, resources, verbs } of rules) {
    for (const word of [...apiGroups, ...resources, ...verbs]) expect(word).not.toMatch(/\*|^bind$|escalate|impersonate|secrets/);
    if (apiGroups.includes('rbac.authorization.k8s.io')) expect(verbs).not.toContain('create');
  }
});

it('gives acting only what looking does not give', () => {
  const text = ['isolate-pod', 'capture-evidence']
    .map((action) => `- {policy: ${action}, description: d, mode: enforce, match: {source: k8s_audit}, actions: [{action: ${action}}]}\n`)
    .join('');
  const { policies } = loadPolicies([{ path: 'p.yaml', text }], actionCatalogue);
  const rights = (use: 'look' | 'act') =>
    rightsFor(policies, actionCatalogue, use).flatMap(({ resources, verbs }) => verbs.map((verb) => `${verb} ${resources[0]}`));
  // Isolating looks at a pod's ReplicaSet, keeping evidence reads it.
  expect(rights('look')).toContain('get replicasets');
  expect(rights('act')).toContain('get deployments');
  expect(rights('act').filter((right) => rights('look').includes(right))).toEqual([]);
});
