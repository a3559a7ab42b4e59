import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type * as z from 'zod';
import { FILES, iamPolicy, KINDS, taskDefinition } from './schemas.ts';

const root = resolve(import.meta.dirname, '../../../infra');
const all = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(root, join(entry.parentPath, entry.name)))
  .sort();
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** Checked elsewhere, by the path of the file or folder. Nothing else may be unknown here. */
const ELSEWHERE: readonly { readonly path: RegExp; readonly where: string }[] = [
  { path: /^resources\/[\w-]+\.yml$/, where: 'the packaged template, by cfn-lint (.ci/run) and test/integration/local/package.test.ts' },
  { path: /^stages\/[\w-]+\.yml$/, where: 'infra/stage/schema.ts, by test/unit/infra/stage/stage.test.ts' },
  { path: /^bundle\.yml$/, where: 'test/integration/local/package.test.ts' },
  { path: /^guard\/tests\/\w+_tests\.yaml$/, where: 'the rules they are samples for (.ci/guard) and test/unit/infra/guard.test.ts' },
  { path: /^guard\/checkov\.yml$/, where: 'checkov’s findings, by .ci/checkov.mjs' },
  { path: /^helm\/[\w.-]+\.values\.yaml$/, where: 'the charts’ keys, by test/unit/infra/helm.test.ts' },
];

function problems(schema: z.ZodType | undefined, value: unknown, what: string): string[] {
  if (schema === undefined) return [`${what}: no schema for it in test/unit/infra/schemas.ts`];
  const { error } = schema.safeParse(value);
  return (error?.issues ?? []).map((issue) => `${what}: ${issue.path.join('.')}: ${issue.message}`);
}

function check(path: string, text: string): string[] {
  const documents = parseAllDocuments(text, { uniqueKeys: true });
  return documents.flatMap((document) => {
    const faults = [...document.errors, ...document.warnings].map((fault) => `${path}: ${fault.message}`);
    if (faults.length > 0) return faults;
    const value = document.toJS();
    if (path in FILES) return problems(FILES[path], value, path);
    const kind = `${value?.apiVersion}/${value?.kind}`;
    return problems(KINDS[kind], value, `${path} (${kind})`);
  });
}

describe('every YAML file in infra/', () => {
  const yaml = all.filter((path) => /\.ya?ml$/.test(path));

  it.each(yaml.filter((path) => !ELSEWHERE.some((other) => other.path.test(path))))('%s has the shape of its kind', (path) => {
    expect(check(path, read(path))).toEqual([]);
  });

  it('is checked here, or there is a file that does it elsewhere', () => {
    for (const { path, where } of ELSEWHERE) {
      expect(
        all.some((file) => path.test(file)),
        String(path),
      ).toBe(true);
      for (const file of where.match(/(test|infra|\.ci)\/[\w/.-]+/g) ?? [])
        expect(() => readFileSync(resolve(root, '..', file)), file).not.toThrow();
    }
  });

  it.each([
    { fault: 'a misspelt member', text: read('kubernetes/falco-availability.yaml').replace('maxUnavailable', 'maxUnavailabel') },
    { fault: 'an unknown kind', text: 'apiVersion: v1\nkind: Pood\n' },
    { fault: 'a key twice', text: 'apiVersion: v1\napiVersion: v1\nkind: Namespace\n' },
    { fault: 'no range of callers', text: read('kubernetes/falco-nlb.yaml').replace(/loadBalancerSourceRanges:\n( +- .*\n)+/, '') },
  ])('would not pass with $fault', ({ text }) => {
    expect(check('kubernetes/x.yaml', text)).not.toEqual([]);
  });
});

describe('every JSON file in infra/', () => {
  it.each(all.filter((path) => path.endsWith('.json')))('%s is an IAM policy that names what it allows, or a task definition', (path) => {
    const value: unknown = JSON.parse(read(path));
    expect(problems(path.endsWith('task-definition.json') ? taskDefinition : iamPolicy, value, path)).toEqual([]);
  });
});

/** Labels of the pods that the charts make under the releases `falco` and `falcosidekick`, and the ports they listen on (as rendered). */
const PODS: readonly { readonly labels: Readonly<Record<string, string>>; readonly ports: readonly number[] }[] = [
  { labels: labels('falco'), ports: [9765, 8765] },
  { labels: labels('falcosidekick', 'core'), ports: [2801, 2810] },
  { labels: labels('falcosidekick', 'ui'), ports: [2802] },
  { labels: labels('falcosidekick', 'ui-redis'), ports: [6379] },
];

function labels(name: string, component?: string): Record<string, string> {
  const own: Record<string, string> = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/instance': name };
  return component === undefined ? own : { ...own, 'app.kubernetes.io/component': component };
}

describe('what is put around the charts', () => {
  const documents = ['falco-availability', 'falco-network-policy', 'falco-nlb'].flatMap((name) =>
    parseAllDocuments(read(`kubernetes/${name}.yaml`)).map((document) => document.toJS()),
  );
  const chosen = (selector: Readonly<Record<string, string>>) =>
    PODS.filter((pod) => Object.entries(selector).every(([name, value]) => pod.labels[name] === value));

  it('chooses the pods of one of them, never of several and never none', () => {
    const selectors = documents.flatMap(({ spec }) => [spec.selector?.matchLabels ?? spec.podSelector?.matchLabels ?? spec.selector]);
    expect(selectors.map((selector) => chosen(selector).length)).toEqual(selectors.map(() => 1));
  });

  it('opens only ports on which somebody listens, to and from pods that there are', () => {
    for (const { kind, spec } of documents.filter((document) => document.kind !== 'PodDisruptionBudget')) {
      const open = (ports: readonly { port: number }[]) => ports.map(({ port }) => port);
      if (kind === 'Service') {
        expect(chosen(spec.selector)[0]?.ports).toContain(spec.ports[0].targetPort);
        continue;
      }
      const [pod] = chosen(spec.podSelector.matchLabels);
      for (const { ports } of spec.ingress) expect(pod?.ports).toEqual(expect.arrayContaining(open(ports)));
      for (const { from = [], to = [], ports } of [...spec.ingress, ...spec.egress]) {
        for (const peer of [...from, ...to].flatMap(({ podSelector }) => podSelector?.matchLabels ?? [])) {
          expect(chosen(peer)).toHaveLength(1);
          if (to.length > 0) expect(chosen(peer)[0]?.ports).toEqual(expect.arrayContaining(open(ports)));
        }
      }
    }
  });
});

it('names fit together: secrets, services, ports', () => {
  const certificates = read('kubernetes/certificates.yaml');
  const falco = read('helm/falco.values.yaml');
  expect(certificates).toContain('secretName: falco-webhook-tls');
  expect(falco).toContain('secretName: falco-webhook-tls');
  expect(read('helm/falcosidekick.values.yaml')).toContain('existingSecret: falcosidekick-tls');
  expect(certificates).toContain('secretName: falcosidekick-tls');
  // The service that the chart makes is called <release>-<name>.
  expect(falco).toContain('name: k8saudit-webhook');
  expect(read('kubernetes/falco-target-group.yaml')).toContain('name: falco-k8saudit-webhook');
  for (const path of ['kubernetes/falco-nlb.yaml', 'kubernetes/falco-target-group.yaml', 'kubernetes/falco-network-policy.yaml'])
    expect(read(path)).toContain('9765');
});
