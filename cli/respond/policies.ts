import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
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
import { type Out, paletteFor } from '../print/terminal.ts';
import { isFolder, readRulesFiles, readText } from '../rules/files.ts';

/** The policies that come with the project. */
export const OWN_POLICIES: readonly string[] = [resolve(import.meta.dirname, '../../rules/respond')];

async function policyFiles(paths: readonly string[]): Promise<readonly PolicyFile[]> {
  return (await readRulesFiles(paths)).map(({ name, text }) => ({ path: name, text }));
}

/** @throws PolicyError, UnreadableFile */
export async function openPolicies(paths: readonly string[]): Promise<PolicySet> {
  return loadPolicies(await policyFiles(paths), actionCatalogue);
}

/** Prints every problem, or what is there. Resolves to whether there was none. */
export async function checkPolicies(paths: readonly string[], out: Out): Promise<boolean> {
  const { set, findings } = readPolicies(await policyFiles(paths), actionCatalogue);
  for (const finding of findings) out.write(`${formatFinding(finding)}\n`);
  if (findings.length > 0) {
    out.write(`${findings.length} problem${findings.length === 1 ? '' : 's'}\n`);
    return false;
  }
  for (const { policy, mode, actions } of set.policies)
    out.write(`${policy}: ${mode}, ${actions.map(({ action }) => action).join(', ')}\n`);
  return true;
}

/** Runs the cases of *.test.yaml files. Resolves to whether there were some and all hold. */
export async function testPolicies(paths: readonly string[], out: Out): Promise<boolean> {
  const paint = paletteFor(out);
  let held = 0;
  let failed = 0;
  for (const path of await testFiles(paths)) {
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
  out.write(`${held} held, ${failed} failed\n`);
  return failed === 0 && held > 0;
}

async function testFiles(paths: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of paths) {
    if (!(await isFolder(path))) found.push(path);
    else for (const name of (await readdir(path)).sort()) if (basename(name).endsWith('.test.yaml')) found.push(join(path, name));
  }
  return found;
}
