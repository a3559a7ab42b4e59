import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join, normalize, sep } from 'node:path';
import type { ObjectReader } from './aws/s3.ts';

/** Where whole objects are kept: a bucket, or a folder on a laptop. */
export interface ObjectStore {
  /** Writes the object unless the key exists. Says which of the two it was; both mean that the object is there. */
  putIfAbsent(
    key: string,
    body: Uint8Array,
    metadata?: { readonly contentType?: string; readonly contentEncoding?: string },
  ): Promise<'written' | 'present'>;
}

/** {@link ObjectStore} in a folder, for local stages and the demo. Keys become paths below `folder`. */
export function createFolderStore(folder: string): ObjectStore & { read(key: string): Promise<Uint8Array> } {
  const pathOf = (key: string): string => pathBelow(folder, key);
  return {
    async putIfAbsent(key, body) {
      const path = pathOf(key);
      await mkdir(dirname(path), { recursive: true });
      const file = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return undefined;
        throw error;
      });
      if (!file) return 'present';
      try {
        await file.writeFile(body);
      } catch (error) {
        // A half-written object must not pass for a whole one.
        await rm(path, { force: true });
        throw error;
      } finally {
        await file.close();
      }
      return 'written';
    },
    read: (key) => readFile(pathOf(key)),
  };
}

/** Objects as files, `<folder>/<bucket>/<key>`: what stands in for S3 in stage `local`. Versions are not told apart. */
export function createFolderReader(folder: string): ObjectReader {
  return {
    async open({ bucket, key }) {
      const path = pathBelow(folder, `${bucket}/${key}`);
      const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined;
        throw error;
      });
      return found?.isFile() ? { bytes: createReadStream(path), lastModifiedMs: found.mtimeMs } : undefined;
    },
    remove: async ({ bucket, key }) => await rm(pathBelow(folder, `${bucket}/${key}`), { force: true }),
  };
}

function pathBelow(folder: string, key: string): string {
  const path = normalize(join(folder, key));
  if (!path.startsWith(normalize(folder + sep))) throw new Error(`Expected a key below the folder, got ${JSON.stringify(key)}.`);
  return path;
}
