import { readFile, stat } from 'node:fs/promises';
import { messageOf, TiercelError } from '../shared/platform/errors.ts';

/** What was given on the command line cannot be used: a word, an option, a file. The command ends with exit code 64; any other TiercelError is 1. */
export class UsageError extends TiercelError {}

/** A file or folder that was named on the command line and cannot be read. */
export class UnreadableFile extends UsageError {
  readonly path: string;

  constructor(path: string, cause: unknown) {
    super('FILE_UNREADABLE', `cannot read ${path}: ${withoutSystemCall(cause)}`, { cause });
    this.path = path;
  }
}

/** Node's `ENOENT: no such file or directory, open 'x'` is three times the same; people need the middle. */
function withoutSystemCall(cause: unknown): string {
  if ((cause as NodeJS.ErrnoException | undefined)?.code === 'EISDIR') return 'it is a directory, expected a file';
  const text = messageOf(cause);
  return /^E[A-Z]+: (.+?), [a-z]+( '.*')?$/s.exec(text)?.[1] ?? text;
}

/** What a reader in shared/ refuses of something that was given on the command line is wrong usage. */
export async function given<Value>(read: () => Value | Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof TiercelError) || error instanceof UsageError) throw error;
    throw new UsageError(error.code, error.message, { cause: error });
  }
}

/** @throws UnreadableFile */
export async function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new UnreadableFile(path, error);
  });
}

/** @throws UnreadableFile when there is nothing. */
export async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: unknown) => {
    throw new UnreadableFile(path, error);
  });
  return found.isDirectory();
}
