import { cp, glob, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { parse } from 'yaml';
import { UnreadableFile, UsageError } from '../usage.ts';

const root = join(import.meta.dirname, '../..');

/** Builds a function into `folder` with the settings of a deployed bundle (infra/bundle.yml) and the further files of its package. */
export async function buildInto(folder: string, lambda: { readonly handler: string; readonly patterns: readonly string[] }): Promise<void> {
  const { build } = await import('esbuild');
  const bundles = parse(await readFile(join(root, 'infra/bundle.yml'), 'utf8')) as Record<'lambda', BundleSettings>;
  const { outputFileExtension, outputWorkFolder: _, exclude, ...settings } = bundles.lambda;
  const module = lambda.handler.replace(/\.[^./]+$/, '');
  await build({
    ...settings,
    external: exclude,
    absWorkingDir: root,
    entryPoints: [`${module}.ts`],
    outfile: join(folder, `${module}${outputFileExtension}`),
    bundle: true,
    platform: 'node',
    logLevel: 'error',
  });
  const left = lambda.patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  for await (const file of glob(
    lambda.patterns.filter((pattern) => !pattern.startsWith('!')),
    { cwd: root, exclude: left },
  )) {
    await cp(join(root, file), join(folder, file));
  }
}

interface BundleSettings {
  readonly outputFileExtension: string;
  readonly outputWorkFolder: string;
  readonly exclude: string[];
  readonly format: 'esm' | 'cjs';
}

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;

/**
 * Unpacks a function's zip file, as `npm run package` writes it, into `folder`. Knows what such files contain: stored or deflated
 * entries, no encryption, less than 4 GiB.
 * @throws UsageError when the file is no such zip.
 */
export async function unpackInto(folder: string, zipFile: string): Promise<void> {
  const zip = await readFile(zipFile).catch((error: unknown) => {
    throw new UnreadableFile(zipFile, error);
  });
  let end = zip.length - 22;
  while (end >= 0 && zip.readUInt32LE(end) !== END_OF_DIRECTORY) end--;
  if (end < 0)
    throw new UsageError('NOT_A_PACKAGE', `Expected ${zipFile} to be a zip file made by \`npm run package\`, but it has no zip directory.`);
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    if (zip.readUInt32LE(at) !== DIRECTORY_ENTRY)
      throw new UsageError('NOT_A_PACKAGE', `${zipFile}: expected a directory entry at byte ${at}.`);
    const deflated = zip.readUInt16LE(at + 10) === 8;
    const size = zip.readUInt32LE(at + 20);
    const nameLength = zip.readUInt16LE(at + 28);
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    const local = zip.readUInt32LE(at + 42);
    const data = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    if (!name.endsWith('/')) {
      const file = join(folder, name);
      if (!file.startsWith(join(folder, '/')))
        throw new UsageError('NOT_A_PACKAGE', `${zipFile}: the entry ${JSON.stringify(name)} lies outside.`);
      const content = zip.subarray(data, data + size);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, deflated ? inflateRawSync(content) : content);
    }
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
}
