import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createEvaluator, loadRules } from '../../../shared/falco/engine/index.ts';
import { textOfCase } from '../../../shared/falco/engine/tester/event.ts';
import { parseTestFile } from '../../../shared/falco/engine/tester/format.ts';
import { folder, packFiles, root } from '../rules/pack.ts';

interface PolicyRule {
  readonly level: 'None' | 'Metadata' | 'Request' | 'RequestResponse';
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly { readonly group: string; readonly resources?: readonly string[] }[];
  readonly nonResourceURLs?: readonly string[];
}

interface Event {
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user?: { readonly username?: string; readonly groups?: readonly string[] };
  readonly objectRef?: { readonly apiGroup?: string; readonly resource?: string; readonly subresource?: string };
}

const policy = parse(readFileSync(join(root, 'infra/self-managed/audit-policy.yaml'), 'utf8')) as {
  omitStages: string[];
  rules: PolicyRule[];
};

/** As kube-apiserver decides (k8s.io/apiserver, `pkg/audit/policy`): the first rule that matches. What no rule matches is not logged. */
function levelOf(event: Event): PolicyRule['level'] {
  return policy.rules.find((rule) => matches(rule, event))?.level ?? 'None';
}

function matches(rule: PolicyRule, { verb, requestURI, user, objectRef }: Event): boolean {
  if (rule.users !== undefined && !rule.users.includes(user?.username ?? '')) return false;
  if (rule.userGroups !== undefined && !rule.userGroups.some((group) => user?.groups?.includes(group))) return false;
  if (rule.verbs !== undefined && !rule.verbs.includes(verb)) return false;
  if (rule.resources === undefined && rule.nonResourceURLs === undefined) return true;
  if (objectRef?.resource === undefined) {
    const path = requestURI.split('?')[0]!;
    return (rule.nonResourceURLs ?? []).some((url) => (url.endsWith('*') ? path.startsWith(url.slice(0, -1)) : path === url));
  }
  const { apiGroup = /^\/apis\/([^/]+)/.exec(requestURI)?.[1] ?? '', resource, subresource } = objectRef;
  const named = subresource === undefined ? resource : `${resource}/${subresource}`;
  return (rule.resources ?? []).some(
    ({ group, resources }) => group === apiGroup && (resources === undefined || resources.includes(named)),
  );
}

/** The event as the log holds it; `undefined` when it is not written. */
function logged(text: string): string | undefined {
  const event = JSON.parse(text) as Event & { requestObject?: unknown; responseObject?: unknown };
  const level = levelOf(event);
  if (level === 'None' || policy.omitStages.includes(event.stage)) return undefined;
  // As it is: rules also read how a text is spelt.
  if (level === 'RequestResponse') return text;
  const { requestObject, responseObject, ...rest } = event;
  return JSON.stringify(level === 'Request' && requestObject !== undefined ? { ...rest, requestObject } : rest);
}

/** What no policy should make visible: bodies that are secrets, or may hold them. On EKS aws-auth is written in full, here there is none. */
const KEPT_OUT = [
  /^Credentials in ConfigMap: /,
  /^aws-auth Grants Administrator: /,
  /^Long-lived Service Account Token Issued: a Secret of that type, where bodies are recorded$/,
];

describe('the audit policy for clusters of your own', () => {
  it('writes down what each rule of the pack needs in order to fire', async () => {
    const disk = {
      read: (path: string) => readFile(path, 'utf8'),
      list: (path: string) => readdir(path),
      join,
      folderOf: dirname,
      nameOf: (path: string) => basename(path),
    };
    const { rules } = loadRules(packFiles());
    const evaluator = createEvaluator(rules, { ruleMatching: 'all' });
    const alerts = (text: string) => {
      const verdict = evaluator.evaluate(Buffer.from(text));
      return verdict.kind === 'evaluated' ? verdict.alerts.map(({ rule }) => rule) : [];
    };
    const blind: string[] = [];
    for (const name of readdirSync(folder).filter((entry) => entry.endsWith('.test.yaml'))) {
      const file = parseTestFile(join(folder, name), readFileSync(join(folder, name), 'utf8'));
      for (const one of file.cases) {
        if (typeof one.expect === 'string' || one.expect.size === 0 || one.event === undefined) continue;
        const text = await textOfCase(file, one, disk);
        const seen = logged(text);
        const left = seen === undefined ? [] : alerts(seen);
        for (const rule of alerts(text)) if (!left.includes(rule)) blind.push(`${rule}: ${one.name}`);
      }
    }
    expect(blind.filter((one) => !KEPT_OUT.some((kept) => kept.test(one)))).toEqual([]);
    for (const kept of KEPT_OUT)
      expect(
        blind.some((one) => kept.test(one)),
        String(kept),
      ).toBe(true);
  });
});
