import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';

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
