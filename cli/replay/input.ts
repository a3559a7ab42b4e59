import { createReadStream } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { type DecodedItem, decodeStream } from '../../shared/audit/index.ts';
import { UnreadableFile, UsageError } from '../usage.ts';

export interface Input {
  /** What is in the files, in order; each is opened when the one before it has ended. */
  readonly items: AsyncIterable<readonly DecodedItem[]>;
  /** Bytes read so far, as they lie on disk. */
  bytesRead(): number;
  /** 0 to 1; `undefined` when the end is not known (standard input). */
  fractionRead(): number | undefined;
}

const STDIN = '-';

/** Looks at every file before the first is read. @throws UsageError naming all that cannot be read. */
export async function openInput(files: readonly string[], stdin: AsyncIterable<Uint8Array>, cluster: string | undefined): Promise<Input> {
  if (files.filter((file) => file === STDIN).length > 1) {
    throw new UsageError('BAD_ARGUMENT', 'standard input (-) can be read only once: name it once');
  }
  const sizes = await Promise.all(files.map((file) => (file === STDIN ? undefined : sizeOf(file))));
  const problems = sizes.filter((size) => typeof size === 'string');
  if (problems.length > 0) throw new UsageError('FILE_UNREADABLE', problems.join('\n'));
  const knownEnd = sizes.every((size) => typeof size === 'number');
  const size = knownEnd ? sizes.reduce<number>((sum, one) => sum + Number(one), 0) : 0;
  let read = 0;

  async function* counted(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      read += chunk.byteLength;
      yield chunk;
    }
  }

  async function* items(): AsyncGenerator<readonly DecodedItem[]> {
    for (const file of files) {
      const bytes = file === STDIN ? stdin : createReadStream(file);
      yield* decodeStream(counted(bytes), { kind: 'file', path: file }, { identity: cluster === undefined ? {} : { cluster } });
    }
  }

  return { items: items(), bytesRead: () => read, fractionRead: () => (size > 0 ? read / size : undefined) };
}

/** Size in bytes, or what is wrong with the file. */
async function sizeOf(file: string): Promise<number | string> {
  try {
    await access(file, constants.R_OK);
    const found = await stat(file);
    return found.isDirectory() ? `cannot read ${file}: it is a directory, expected a file` : found.size;
  } catch (error) {
    return new UnreadableFile(file, error).message;
  }
}
