import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FIELDS } from '../../shared/falco/engine/fields/index.ts';
import { readAppendOutput } from '../../shared/falco/engine/index.ts';
import { messageOf } from '../../shared/platform/errors.ts';
import {
  actionCatalogue,
  formatFinding,
  loadPolicies,
  type PolicyFile,
  type PolicySet,
  readPolicies,
  readPolicyTest,
  runPolicyTest,
} from '../../shared/respond/index.ts';
import { type Out, paletteFor, visible } from '../print/terminal.ts';
import { readYamlFiles, testPaths } from '../rules/files.ts';
import { given, isFolder, readText } from '../usage.ts';

/** The policies that come with the project. */
export const OWN_POLICIES: readonly string[] = [resolve(import.meta.dirname, '../../rules/respond')];

async function policyFiles(paths: readonly string[]): Promise<readonly PolicyFile[]> {
  return (await readYamlFiles(paths)).map(({ name, text }) => ({ path: name, text }));
}

/** @throws UsageError that lists everything that is wrong with them. */
export async function openPolicies(paths: readonly string[]): Promise<PolicySet> {
  const files = await policyFiles(paths);
  return given(() => loadPolicies(files, actionCatalogue));
}

/** Prints every problem, or what is there. Resolves to whether there was none. */
export async function checkPolicies(paths: readonly string[], out: Out): Promise<boolean> {
  const files = await policyFiles(paths);
  const { set, findings } = readPolicies(files, actionCatalogue, await knownFields());
  const passedOver = await filesPassedOver(paths);
  for (const finding of findings) out.write(`${visible(formatFinding(finding))}\n`);
  for (const path of passedOver) out.write(`${path}: respond reads *.yaml of its folder and would pass this file over\n`);
  if (files.length === 0) out.write(`no policy file in ${paths.join(', ')}\n`);
  const problems = findings.length + passedOver.length + (files.length === 0 ? 1 : 0);
  if (problems > 0) {
    out.write(`${problems} problem${problems === 1 ? '' : 's'}\n`);
    return false;
  }
  for (const { policy, mode, actions } of set.policies)
    out.write(`${policy}: ${mode}, ${actions.map(({ action }) => action).join(', ')}\n`);
  return true;
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

/** Runs the cases of *.test.yaml files. Resolves to whether there were some and all hold. */
export async function testPolicies(paths: readonly string[], out: Out): Promise<boolean> {
  const paint = paletteFor(out);
  let held = 0;
  let failed = 0;
  for await (const path of testPaths(paths)) {
    out.write(`${path}\n`);
    try {
      const test = readPolicyTest(await readText(path));
      const set = await openPolicies(test.policies.map((named) => join(dirname(path), named)));
      for (const { name, difference } of await runPolicyTest(test, set, actionCatalogue)) {
        out.write(difference === undefined ? `  ${paint.green('ok')}   ${name}\n` : `  ${paint.red('FAIL')} ${name}\n     ${difference}\n`);
        if (difference === undefined) held++;
        else failed++;
      }
    } catch (error) {
      out.write(`  ${paint.red('FAIL')} ${messageOf(error)}\n`);
      failed++;
    }
  }
  out.write(held + failed === 0 ? `no *.test.yaml file in ${paths.join(', ')}\n` : `${held} held, ${failed} failed\n`);
  return failed === 0 && held > 0;
}
