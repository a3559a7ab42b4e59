import { renderDiagnostic } from '../diagnostic.ts';
import { type LoadResult, loadRules, type RulesFile } from '../load/index.ts';
import { parseTestFile, type TestFile } from './format.ts';

/** What the tester needs of a file system. Paths as the user gave them, or joined to the test file's folder. */
export interface TesterFiles {
  read(path: string): Promise<string>;
  /** Names in a folder. */
  list(folder: string): Promise<readonly string[]>;
  join(folder: string, name: string): string;
  folderOf(path: string): string;
  nameOf(path: string): string;
}

/** Rules that were loaded before, by the names of their files and what was switched on. For one run: files are not read again. */
export type Loads = Map<string, LoadResult>;

/** A test file with the rules it is about, loaded, and which of them count. */
export interface Subject {
  readonly test: TestFile;
  readonly loaded: LoadResult;
  /** Whether each rule is switched on. */
  readonly known: ReadonlyMap<string, boolean>;
  readonly counts: (rule: string) => boolean;
}

/** Reads a test file and loads its rules. Rejects with what its author has to put right. */
export async function openTestFile(path: string, files: TesterFiles, loads: Loads): Promise<Subject> {
  const test = parseTestFile(path, await files.read(path));
  const folder = files.folderOf(path);
  const names = test.rules ?? (await files.list(folder)).filter((name) => /(?<!\.test)\.ya?ml$/.test(name)).sort();
  if (names.length === 0) throw new Error(`${path}: there are no rules next to it; name them under 'rules:'`);
  const paths = names.map((name) => files.join(folder, name));
  const key = JSON.stringify([paths, test.enable]);
  const loaded = loads.get(key) ?? (await load(paths, test.enable, files));
  loads.set(key, loaded);
  if (!loaded.loads)
    throw new Error(
      `the rules do not load\n${loaded.diagnostics
        .filter(({ level }) => level === 'error')
        .map(renderDiagnostic)
        .join('\n')}`,
    );
  const enabled = new Set(loaded.rules.map(({ name }) => name));
  const known = new Map(loaded.defined.map(({ name }) => [name, enabled.has(name)]));
  const unknown = [...(test.only ?? []), ...test.enable].find((name) => !known.has(name));
  if (unknown !== undefined) throw new Error(`${path}: there is no rule '${unknown}'`);
  const counted = countedRules(test, files, loaded);
  return { test, loaded, known, counts: (rule) => counted.has(rule) };
}

async function load(paths: readonly string[], enable: readonly string[], files: TesterFiles): Promise<LoadResult> {
  const texts = await Promise.all(paths.map(async (path): Promise<RulesFile> => ({ name: path, text: await files.read(path) })));
  return loadRules(texts, { selections: enable.map((rule) => ({ operation: 'enable', rule })) });
}

/** `only`; else, where the folder's rules are loaded, those of the rules file with the test file's name; else all. */
function countedRules(test: TestFile, files: TesterFiles, loaded: LoadResult): ReadonlySet<string> {
  if (test.only) return new Set(test.only);
  const own = files.nameOf(test.path).replace(/\.test\.ya?ml$/, '');
  const ofOwn = test.rules ? [] : loaded.defined.filter(({ place }) => files.nameOf(place.file).replace(/\.ya?ml$/, '') === own);
  return new Set((ofOwn.length > 0 ? ofOwn : loaded.defined).map(({ name }) => name));
}
