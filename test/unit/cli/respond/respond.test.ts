import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { checkPolicies, OWN_POLICIES, printRoles, testPolicies } from '../../../../cli/respond/policies.ts';
import { enforceResponses, planResponses } from '../../../../cli/respond/respond.ts';
import { alertText, bindingAlert } from '../../../support/alerts.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tiercel-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string | Buffer) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

async function printed(work: (out: { write(text: string): void }) => Promise<boolean>): Promise<{ ok: boolean; text: string }> {
  let text = '';
  const ok = await work({
    write: (part) => {
      text += part;
    },
  });
  return { ok, text };
}

describe('tiercel respond', () => {
  const alert = alertText(bindingAlert());
  const plan = (paths: string[], stdin = '', json = false) =>
    printed((out) => planResponses(paths, { json }, { out, stdin: Readable.from([Buffer.from(stdin)]) }));

  it('plans in shadow, from files, packed files and standard input, however they end', async () => {
    const paths = [file('a.ndjson', `${alert}\n\n`), file('b.ndjson.gz', gzipSync(alert)), '-'];
    const { ok, text } = await plan(paths, `${alert}\r\n${alert}`);
    expect(ok).toBe(true);
    expect(text.match(/planned {3}delete clusterrolebindings\.rbac\.authorization\.k8s\.io pwn-43, uid \S+ in prod-1/g)).toHaveLength(4);
  });

  it('judges the age of an alert as if it had just come, however it is written, and says what no policy spoke of', async () => {
    const spaced = JSON.stringify(JSON.parse(alert), undefined, 1).replaceAll('\n', ' ');
    const { ok, text } = await plan(['-'], `${spaced}\n${alert.replace('Attach to cluster-admin Role', 'Another Rule')}\n`);
    expect(ok).toBe(true);
    expect(text).not.toContain('fresh');
    expect(text).toMatch(/\n2 alerts, 1 of them not the business of any policy; 1 planned, 0 refused\n$/);
  });

  it('reads documents over several lines, as jq and editors lay them out', async () => {
    const pretty = JSON.stringify(JSON.parse(alert), null, 2);
    const { ok, text } = await plan([file('pretty.json', `${pretty}\n${alert}\n`), '-'], `${pretty}\n${pretty}`);
    expect(ok).toBe(true);
    expect(text.match(/^planned/gm)).toHaveLength(4);
    const cut = await plan(['-'], pretty.slice(0, -2));
    expect([cut.ok, cut.text]).toEqual([false, expect.stringMatching(/^rejected expected the alert as JSON/)]);
  });

  it('prints journal entries as JSON', async () => {
    const { text } = await plan(['-'], alert, true);
    expect(JSON.parse(text)).toMatchObject({ status: 'planned', mode: 'shadow', policy: 'remove-cluster-admin-binding', steps: [] });
  });

  it('shows names that a caller chose without what they would do to a terminal', async () => {
    const { text } = await plan(['-'], alertText(bindingAlert({ 'ka.target.name': 'pwn\u001b[2J\u202e' })));
    expect(text).toContain('pwn\ufffd[2J\ufffd');
    expect(text).not.toContain('\u001b');
  });

  it('says what it could not read, and goes on', async () => {
    const { ok, text } = await plan(['-'], `nonsense\n${alert}`);
    expect(ok).toBe(false);
    expect(text).toMatch(/^rejected expected the alert as JSON/);
    expect(text).toContain('planned');
    await expect(plan([join(folder, 'none')])).rejects.toThrow('cannot read');
  });

  it('acts only where it can be undone and alerts can be believed', async () => {
    const asked: string[] = [];
    const kubeconfig = file(
      'config',
      JSON.stringify({
        'current-context': 'c',
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        clusters: [{ name: 'c', cluster: { server: 'https://api.example' } }],
        users: [{ name: 'u', user: { token: 't' } }],
      }),
    );
    const attempt = (options: Parameters<typeof enforceResponses>[1]) =>
      printed((out) =>
        enforceResponses([file('a.json', alert)], options, { out, stdin: Readable.from([]) }, async (question) => {
          asked.push(question);
          return false;
        }),
      );
    await expect(attempt({ kubeconfig })).rejects.toThrow('--table');
    const whole = { kubeconfig, table: 'journal', macKeySecret: 'key' };
    await expect(attempt(whole)).rejects.toThrow('No policy has `mode: enforce`');
    expect(asked).toEqual([]);
    const text = (name: string, mode: string) =>
      `- policy: ${name}\n  description: d\n  mode: ${mode}\n  match: {rules: [r]}\n  actions: [{action: delete-binding}]\n`;
    const policy = [file('e.yaml', text('one', 'enforce') + text('two', 'shadow') + text('three', 'enforce'))];
    expect(await attempt({ ...whole, policy })).toEqual({ ok: false, text: '' });
    expect(asked).toEqual(['Act on 1 alert in the cluster at https://api.example, by one, three?']);
  });
});

describe('tiercel policy', () => {
  it("the project's own policies are sound and their cases hold", async () => {
    const check = await printed((out) => checkPolicies(OWN_POLICIES, out));
    expect(check).toMatchObject({ ok: true });
    expect(
      check.text
        .split('\n')
        .filter(Boolean)
        .every((line) => line.includes(': shadow, ')),
    ).toBe(true);
    const test = await printed((out) => testPolicies(OWN_POLICIES, out));
    expect(test.text).toMatch(/\d+ held, 0 failed\n$/);
    expect(test.ok).toBe(true);
  });

  it('says the same as JSON, for other programs', async () => {
    const check = await printed((out) => checkPolicies([file('j.yaml', '- policy: P')], out, { json: true }));
    expect([check.ok, JSON.parse(check.text)]).toMatchObject([
      false,
      { ok: false, findings: expect.arrayContaining([expect.objectContaining({ line: 1 })]) },
    ]);
    const sound = JSON.parse((await printed((out) => checkPolicies(OWN_POLICIES, out, { json: true }))).text);
    expect(sound).toMatchObject({ ok: true, findings: [], policies: [{ mode: 'shadow' }, { mode: 'shadow' }, { mode: 'shadow' }] });
    const test = await printed((out) => testPolicies([...OWN_POLICIES, file('j.test.yaml', 'no: test')], out, { json: true }));
    const { cases, held, failed, ok } = JSON.parse(test.text);
    expect([ok, test.ok, failed, held + failed]).toEqual([false, false, 1, cases.length]);
    expect(cases.at(-1)).toMatchObject({ file: expect.stringContaining('j.test.yaml'), difference: expect.any(String) });
  });

  it('a case that does not hold fails, and says how', async () => {
    const policy = file('p.yaml', '- policy: p\n  description: d\n  match: {rules: [r]}\n  actions: [{action: delete-binding}]\n');
    const cases = (expected: string) =>
      file('p.test.yaml', `policies: [p.yaml]\ncases:\n  - case: c\n    alert: {rule: r}\n    expect: ${expected}\n`);
    const wrong = await printed((out) => testPolicies([cases('[]')], out));
    expect(wrong.ok).toBe(false);
    expect(wrong.text).toContain('expected no response\n     got p/delete-binding: refused by identified');
    const broken = await printed((out) => testPolicies([cases('maybe')], out));
    expect(broken.ok).toBe(false);
    expect((await printed((out) => checkPolicies([policy], out))).ok).toBe(true);
    expect((await printed((out) => checkPolicies([file('q.yaml', '- policy: P')], out))).text).toContain('q.yaml:1:');
  });

  it('prints the roles that policies need, as they are shipped', async () => {
    const roles = async (shadow: boolean) => (await printed((out) => printRoles(OWN_POLICIES, { shadow }, out).then(() => true))).text;
    const shipped = readFileSync(resolve(import.meta.dirname, '../../../../infra/kubernetes/respond-rbac.yaml'), 'utf8');
    expect(await roles(false)).toBe(shipped.replace(/^(#.*\n)+/, ''));
    const names = parseAllDocuments(await roles(true)).map((document) => `${document.get('kind')} ${document.getIn(['metadata', 'name'])}`);
    expect(names).toEqual(['ClusterRole tiercel-respond-look', 'ClusterRoleBinding tiercel-respond-look']);
  });

  it('the examples of the page about writing policies are sound', async () => {
    const page = readFileSync(resolve(import.meta.dirname, '../../../../docs/respond/writing-policies.md'), 'utf8');
    const [policies, cases] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text!);
    mkdirSync(join(folder, 'page'));
    file('page/isolate-miners.yaml', policies!);
    file('page/isolate-miners.test.yaml', cases!);
    const check = await printed((out) => checkPolicies([join(folder, 'page')], out));
    expect(check).toEqual({ ok: true, text: expect.stringContaining('isolate-miners: shadow, capture-evidence, isolate-pod') });
    expect((await printed((out) => testPolicies([join(folder, 'page')], out))).text).toContain('3 held, 0 failed');
  });

  it('finds fields that no alert has, files that respond would pass over, and folders without any', async () => {
    const policy = (condition: string) =>
      file('f.yaml', `- policy: p\n  description: d\n  match: {condition: ${condition}}\n  actions: [{action: isolate-pod}]\n`);
    for (const known of ['ka.req.pod.containers.image[0] = x', 'tiercel.user_arn = x', 'k8s.ns.name = prod', 'proc.name = sh'])
      expect((await printed((out) => checkPolicies([policy(`'${known}'`)], out))).text, known).toBe('p: shadow, isolate-pod\n');
    for (const slip of ['ka.taget.name = x', 'tiercel.userarn = x']) {
      const { ok, text } = await printed((out) => checkPolicies([policy(slip)], out));
      expect([ok, text]).toEqual([false, expect.stringContaining(`no alert has a field ${slip.split(' ')[0]}`)]);
    }
    mkdirSync(join(folder, 'mixed'));
    expect(await printed((out) => checkPolicies([join(folder, 'mixed')], out))).toEqual({
      ok: false,
      text: expect.stringContaining('no policy file in it'),
    });
    file('mixed/protected.yml', '- protect: {namespaces: [x]}');
    expect(await printed((out) => checkPolicies([join(folder, 'mixed')], out))).toEqual({
      ok: false,
      text: expect.stringMatching(/protected\.yml: respond reads \*\.yaml of its folder/),
    });
  });
});
