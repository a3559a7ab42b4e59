import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { RulesFile } from '../../shared/falco/engine/index.ts';
import type { TesterFiles } from '../../shared/falco/engine/tester/index.ts';
import { isFolder, readText, UsageError } from '../usage.ts';

/** The rules that come with the project. */
export const OWN_RULES: readonly string[] = [resolve(import.meta.dirname, '../../rules/falco')];

/** Rules files in the order given; a folder stands for its rules files in order of name, as in Falco. */
export async function rulesPaths(paths: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of paths) {
    if (!(await isFolder(path))) found.push(path);
    else for (const name of (await readdir(path)).filter(isRulesName).sort()) found.push(join(path, name));
  }
  return found;
}

/** What stands in the files that {@link rulesPaths} finds. */
export async function readYamlFiles(paths: readonly string[]): Promise<readonly RulesFile[]> {
  const files: RulesFile[] = [];
  for (const path of await rulesPaths(paths)) files.push({ name: path, text: await readText(path) });
  return files;
}

/** @throws UsageError when there is none: a folder that was named by mistake must not pass for sound rules. */
export async function readRulesFiles(paths: readonly string[]): Promise<readonly RulesFile[]> {
  const files = await readYamlFiles(paths);
  if (files.length === 0) throw new UsageError('NO_RULES', `expected rules files (*.yaml), there are none in ${paths.join(', ')}`);
  return files;
}

/** `*.test.yaml` files: those named, and those anywhere below a folder, in order of name. */
export async function* testPaths(paths: readonly string[]): AsyncGenerator<string> {
  for (const path of paths) {
    if (!(await isFolder(path))) {
      yield path;
      continue;
    }
    for (const entry of (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const inside = join(path, entry.name);
      if (entry.isDirectory()) yield* testPaths([inside]);
      else if (/\.test\.ya?ml$/.test(entry.name)) yield inside;
    }
  }
}

export const testerFiles: TesterFiles = {
  read: readText,
  list: (folder) => readdir(folder),
  join,
  folderOf: dirname,
  nameOf: (path) => basename(path),
};

function isRulesName(name: string): boolean {
  return /(?<!\.test)\.ya?ml$/.test(name);
}
