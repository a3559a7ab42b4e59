import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { parse } from 'yaml';
import { withThousands } from '../print/table.ts';
import type { Out } from '../print/terminal.ts';
import { OWN_RULES, readRulesFiles } from '../rules/files.ts';
import { UnreadableFile, UsageError } from '../usage.ts';
import { MADE_BY, type Publication, publish } from './publish.ts';

export interface PublishCommandOptions {
  readonly out: string;
  readonly check?: boolean;
  readonly rules?: readonly string[];
  readonly version: string;
  readonly namespace: string;
}

/** Writes the publication, or compares it with what is there (`check`). Resolves to whether the folder holds it in the end. */
export async function runPublish(options: PublishCommandOptions, out: Out): Promise<boolean> {
  const publication = publish(await readRulesFiles(options.rules ?? OWN_RULES), options);
  if (options.check) return isUpToDate(publication, options.out, out);
  const earlier = await earlierFiles(options.out);
  for (const { path, bytes } of publication.files) {
    const file = join(options.out, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
  const wanted = new Set(publication.files.map(({ path }) => path));
  for (const path of earlier) if (!wanted.has(path)) await rm(join(options.out, path));
  out.write(`${withThousands(publication.rules)} rules, digest ${publication.digest}\n`);
  out.write(`${options.out}: rules/, falco-rules.values.yaml, falco-rules.configmap.yaml, oci/, digest\n`);
  return true;
}

async function isUpToDate(publication: Publication, folder: string, out: Out): Promise<boolean> {
  const problems: string[] = [];
  for (const { path, bytes } of publication.files) {
    const there = await readFile(join(folder, path)).catch(() => undefined);
    if (there === undefined) problems.push(`${path} is missing`);
    else if (!there.equals(bytes)) problems.push(`${path} is another`);
  }
  const wanted = new Set(publication.files.map(({ path }) => path));
  for (const path of await filesBelow(folder)) if (!wanted.has(path)) problems.push(`${path} does not belong to it`);
  out.write(
    problems.length === 0
      ? `${folder} is up to date, digest ${publication.digest}\n`
      : `${folder} is not up to date:\n  ${problems.join('\n  ')}\n`,
  );
  return problems.length === 0;
}

const VALUES = 'falco-rules.values.yaml';
/** Files of an earlier publication that say themselves what they are, or are named by what is in them. */
const RECOGNISED = /^(digest|falco-rules\.(values|configmap)\.yaml|oci\/(oci-layout|index\.json|blobs\/sha256\/[0-9a-f]{64}))$/;

/** What an earlier publication left: what does not come again is taken away. @throws UsageError when the folder holds anything that none made, and so is somebody's */
async function earlierFiles(folder: string): Promise<readonly string[]> {
  const there = await filesBelow(folder);
  const rules = await earlierRules(join(folder, VALUES));
  const foreign = there.find((path) => rules === undefined || !(RECOGNISED.test(path) || rules.has(path)));
  if (foreign !== undefined) {
    throw new UsageError('FOLDER_NOT_EMPTY', `${folder} holds ${foreign}, which no publication made: name another folder, or an empty one`);
  }
  return there;
}

/** The rules files that an earlier publication wrote, by its values; `undefined` when there was none. */
async function earlierRules(values: string): Promise<ReadonlySet<string> | undefined> {
  const text = await readFile(values, 'utf8').catch(() => '');
  if (!text.startsWith(MADE_BY)) return undefined;
  const { customRules } = parse(text) as { readonly customRules: Readonly<Record<string, string>> };
  return new Set(Object.keys(customRules).map((name) => `rules/${name}`));
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new UnreadableFile(folder, error);
  }
}
