import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { FIELDS } from '../../shared/falco/engine/fields/index.ts';
import { readAppendOutput } from '../../shared/falco/engine/index.ts';
import { messageOf } from '../../shared/platform/errors.ts';
import {
  actionCatalogue,
  formatFinding,
  loadPolicies,
  type PolicyFile,
  type PolicySet,
  rbacManifests,
  readPolicies,
  readPolicyTest,
  runPolicyTest,
} from '../../shared/respond/index.ts';
import { type Out, type Palette, paletteFor, visible } from '../print/terminal.ts';
import { readYamlFiles, testPaths } from '../rules/files.ts';
import { given, isFolder, readText, UsageError } from '../usage.ts';

/** The policies that come with the project. */
export const OWN_POLICIES: readonly string[] = [resolve(import.meta.dirname, '../../rules/respond')];

async function policyFiles(paths: readonly string[]): Promise<readonly PolicyFile[]> {
  return (await readYamlFiles(paths)).map(({ name, text }) => ({ path: name, text }));
}

/** @throws UsageError that lists everything that is wrong with them, or when there are none. */
export async function openPolicies(paths: readonly string[]): Promise<PolicySet> {
  const files = await policyFiles(paths);
  if (files.length === 0) throw new UsageError('NO_POLICIES', `expected policy files (*.yaml), there are none in ${paths.join(', ')}`);
  return given(() => loadPolicies(files, actionCatalogue));
}

/** The Kubernetes roles that respond needs for these policies, and their bindings, as YAML documents; `shadow` takes the one to look only. */
export async function printRoles(paths: readonly string[], { shadow }: { readonly shadow?: boolean }, out: Out): Promise<void> {
  const { policies, protection } = await openPolicies(paths);
  const uses = shadow ? (['look'] as const) : (['look', 'act'] as const);
  for (const manifest of rbacManifests(policies, actionCatalogue, protection, uses)) out.write(`---\n${stringify(manifest)}`);
}

/** How results are printed. */
export interface ResultFormat {
  /** One JSON document instead of lines for people. */
  readonly json?: boolean;
}

/** Prints every problem, or what is there. Resolves to whether there was none. */
export async function checkPolicies(paths: readonly string[], out: Out, { json }: ResultFormat = {}): Promise<boolean> {
  const files = await policyFiles(paths);
  const { set, findings } = readPolicies(files, actionCatalogue, await knownFields());
  const others = [
    ...(await filesPassedOver(paths)).map((file) => ({
      file,
      message: 'respond reads *.yaml of its folder and would pass this file over',
    })),
    ...(files.length === 0 ? [{ file: paths.join(', '), message: 'no policy file in it' }] : []),
  ];
  const policies = set.policies.map(({ policy, mode, actions }) => ({ policy, mode, actions: actions.map(({ action }) => action) }));
  const problems = findings.length + others.length;
  if (json) {
    out.write(`${JSON.stringify({ ok: problems === 0, findings: [...findings, ...others], policies }, null, 2)}\n`);
    return problems === 0;
  }
  for (const finding of findings) out.write(`${visible(formatFinding(finding))}\n`);
  for (const { file, message } of others) out.write(`${file}: ${message}\n`);
  if (problems > 0) out.write(`${problems} problem${problems === 1 ? '' : 's'}\n`);
  else for (const { policy, mode, actions } of policies) out.write(`${policy}: ${mode}, ${actions.join(', ')}\n`);
  return problems === 0;
}

/** The fields of audit events that alerts may carry, and those that this project has Falco add; of other names (`k8s.ns.name`) nothing is known here. */
async function knownFields(): Promise<(name: string) => boolean> {
  const added = readAppendOutput(await readFile(resolve(import.meta.dirname, '../../rules/append-output.yaml'), 'utf8'));
  const names = new Set([...FIELDS.map(({ name }) => name), ...added.flatMap(({ extraFields }) => extraFields.map(({ name }) => name))]);
  return (name) => !/^(ka|jevt|tiercel)\./.test(name) || names.has(name.replace(/\[.*$/s, ''));
}

async function filesPassedOver(paths: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of paths) {
    if (await isFolder(path)) found.push(...(await readdir(path)).filter((name) => name.endsWith('.yml')).map((name) => join(path, name)));
  }
  return found;
}

interface PolicyCaseResult {
  readonly file: string;
  /** Absent where the file could not be run at all. */
  readonly name?: string;
  /** What differs from what is expected, or why the file could not be run. Absent: the case holds. */
  readonly difference?: string;
}

/** Runs the cases of *.test.yaml files. Resolves to whether there were some and all hold. */
export async function testPolicies(paths: readonly string[], out: Out, { json }: ResultFormat = {}): Promise<boolean> {
  const cases: PolicyCaseResult[] = [];
  for await (const file of testPaths(paths)) {
    const results = await casesOf(file);
    cases.push(...results);
    if (!json) out.write(`${file}\n${results.map((result) => lineOf(result, paletteFor(out))).join('')}`);
  }
  const failed = cases.filter(({ difference }) => difference !== undefined).length;
  const ok = failed === 0 && cases.length > 0;
  if (json) out.write(`${JSON.stringify({ ok, held: cases.length - failed, failed, cases }, null, 2)}\n`);
  else out.write(cases.length === 0 ? `no *.test.yaml file in ${paths.join(', ')}\n` : `${cases.length - failed} held, ${failed} failed\n`);
  return ok;
}

async function casesOf(file: string): Promise<readonly PolicyCaseResult[]> {
  try {
    const test = readPolicyTest(await readText(file));
    const set = await openPolicies(test.policies.map((named) => join(dirname(file), named)));
    return (await runPolicyTest(test, set, actionCatalogue)).map((result) => ({ file, ...result }));
  } catch (error) {
    return [{ file, difference: messageOf(error) }];
  }
}

function lineOf({ name, difference }: PolicyCaseResult, paint: Palette): string {
  if (difference === undefined) return `  ${paint.green('ok')}   ${name}\n`;
  return `  ${paint.red('FAIL')} ${name === undefined ? '' : `${name}\n     `}${visible(difference)}\n`;
}
