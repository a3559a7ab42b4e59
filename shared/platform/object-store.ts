import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';

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
  const pathOf = (key: string): string => {
    const path = normalize(join(folder, key));
    if (!path.startsWith(normalize(folder))) throw new Error(`Expected a key below the folder, got ${JSON.stringify(key)}.`);
    return path;
  };
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
