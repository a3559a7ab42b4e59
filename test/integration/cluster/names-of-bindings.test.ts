import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { JsonValue } from '../../../shared/platform/kube/index.ts';
import { admin, closeScene, mallory, openScene } from './scene.ts';

const CALL = { auditId: 'test' };
const ADMISSION = { apiGroup: 'admissionregistration.k8s.io', apiVersion: 'v1' };
const BINDINGS = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1', resource: 'clusterrolebindings' };

beforeAll(() => openScene());
afterAll(closeScene);

it('bindings with endless names are refused once the manifest is applied, and only then', async () => {
  expect(await bind('y'.repeat(600))).toBe('made');
  const file = resolve(import.meta.dirname, '../../../infra/kubernetes/names-of-bindings.yaml');
  for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
    const manifest = document.toJS() as { readonly kind: string } & Readonly<Record<string, JsonValue>>;
    const resource = manifest.kind === 'ValidatingAdmissionPolicy' ? 'validatingadmissionpolicies' : 'validatingadmissionpolicybindings';
    await admin.create({ ...ADMISSION, resource }, manifest, CALL);
  }
  // The API server takes it up after a moment.
  let answer = '';
  for (let length = 600; length < 660 && !answer.includes('at most 253'); length++) {
    await wait(500);
    answer = await bind('x'.repeat(length));
  }
  expect(answer).toContain('expected a name of at most 253 characters');
  expect(await bind('x'.repeat(253))).toBe('made');
}, 60_000);

async function bind(name: string): Promise<string> {
  const roleRef = { apiGroup: BINDINGS.apiGroup, kind: 'ClusterRole', name: 'view' };
  const manifest = { apiVersion: `${BINDINGS.apiGroup}/v1`, kind: 'ClusterRoleBinding', metadata: { name }, roleRef };
  return mallory.create(BINDINGS, manifest, CALL).then(
    () => 'made',
    (error: Error) => error.message,
  );
}
