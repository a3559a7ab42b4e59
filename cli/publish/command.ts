import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { withThousands } from '../print/table.ts';
import type { Out } from '../print/terminal.ts';
import { OWN_RULES, readRulesFiles } from '../rules/files.ts';
import { UnreadableFile, UsageError } from '../usage.ts';
import { type Publication, publish } from './publish.ts';

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
  await emptyOwn(options.out);
  for (const { path, bytes } of publication.files) {
    const file = join(options.out, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
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

/** What an earlier publication left, so that no rule survives that was taken out. A folder with anything else in it is somebody's, and stays. */
async function emptyOwn(folder: string): Promise<void> {
  const there = await filesBelow(folder);
  const foreign = there.find((path) => !/^(rules\/[^/]+\.ya?ml|digest|falco-rules\.(values|configmap)\.yaml|oci\/.+)$/.test(path));
  if (foreign !== undefined) {
    throw new UsageError('FOLDER_NOT_EMPTY', `${folder} holds ${foreign}, which no publication made: name another folder, or an empty one`);
  }
  for (const path of there) await rm(join(folder, path));
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
