import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { createGunzip } from 'node:zlib';
import { UnreadableFile } from '../usage.ts';
import { fits, type Place } from './place.ts';

/** A file under one of the names that the log has, or has had. */
export interface LogFile {
  readonly inode: string;
  /** Bytes in the file; 0 for a compressed one, where nobody knows. */
  size(): Promise<number>;
  /** Compressed files are never written again. */
  readonly settled: boolean;
  /** The compressed file turned out to be cut or broken: nothing is read behind that point. */
  readonly damaged?: () => boolean;
  /** What is in the file from `position` on: up to `length` bytes, fewer only at the present end. Positions never go back, except to 0. */
  read(position: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** Enough to tell files apart (see place.ts). */
const HEAD_BYTES = 1024;

export function headOf(file: LogFile): Promise<Buffer> {
  return file.read(0, HEAD_BYTES);
}

/** Opens `path`; `undefined` when there is no such file (now). @throws UnreadableFile */
export async function openLogFile(path: string): Promise<LogFile | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UnreadableFile(path, error);
  }
  const inode = String((await handle.stat({ bigint: true })).ino);
  if (path.endsWith('.gz')) return { inode, size: async () => 0, settled: true, ...inflated(handle) };
  const read = (position: number, length: number) => readFully(handle, position, length);
  const size = async () => (await handle.stat()).size;
  return { inode, size, settled: false, read, close: () => handle.close() };
}

async function readFully(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

/** A rotated file that was compressed: inflated as it is read on, holding no more than what was asked for last. */
function inflated(handle: FileHandle): Pick<LogFile, 'read' | 'close' | 'damaged'> {
  let chunks: AsyncIterator<Buffer> | undefined;
  let held = Buffer.alloc(0);
  let heldAt = 0;
  let damaged = false;
  return {
    damaged: () => damaged,
    async read(position, length) {
      if (chunks === undefined || position < heldAt) {
        await chunks?.return?.();
        const source = handle.createReadStream({ start: 0, autoClose: false });
        const gunzip = createGunzip();
        source.on('error', (error) => gunzip.destroy(error));
        chunks = source.pipe(gunzip)[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
        held = Buffer.alloc(0);
        heldAt = 0;
      }
      while (heldAt + held.length < position + length) {
        const next = await chunks.next().catch(() => undefined);
        if (next === undefined) damaged = true;
        if (next === undefined || next.done === true) break;
        const unread = Math.max(0, Math.min(held.length, position - heldAt));
        heldAt += unread;
        held = Buffer.concat([held.subarray(unread), next.value]);
      }
      return held.subarray(Math.max(0, position - heldAt), Math.max(0, position - heldAt) + length);
    },
    async close() {
      await chunks?.return?.();
      await handle.close();
    },
  };
}

export interface NamedFile {
  readonly path: string;
  readonly inode: string;
}

/**
 * The log's files in the order they were written, the log itself (if there is one now) at the end. Earlier ones have the names that kube-apiserver
 * (`audit-2026-11-21T10-00-00.000.log`) and logrotate (`audit.log.1`, `audit.log-20261121`) give, plain or gzipped; no other file is ever read.
 * Times of files would not do for the order: compressing a file makes it the youngest.
 */
export async function filesInOrder(log: string): Promise<readonly NamedFile[]> {
  // A listing made while files are renamed may miss one: two in a row that are the same did not.
  let last = await list(log);
  for (;;) {
    const again = await list(log);
    if (isDeepStrictEqual(last, again)) return again;
    last = again;
  }
}

async function list(log: string): Promise<NamedFile[]> {
  const folder = dirname(log);
  const name = basename(log);
  const entries = new Set(await readdir(folder).catch(noEntries));
  const earlier: { readonly entry: string; readonly order: Order }[] = [];
  for (const entry of entries) {
    // While a file is being compressed there are both; the plain one is whole.
    if (entry.endsWith('.gz') && entries.has(entry.slice(0, -3))) continue;
    const order = orderOf(name, entry);
    if (order !== undefined) earlier.push({ entry, order });
  }
  earlier.sort((a, b) => b.order.number - a.order.number || (a.order.time < b.order.time ? -1 : 1));
  const found: NamedFile[] = [];
  for (const entry of [...earlier.map((file) => file.entry), name]) {
    const path = join(folder, entry);
    const stats = await stat(path, { bigint: true }).catch(() => undefined);
    if (stats !== undefined) found.push({ path, inode: String(stats.ino) });
  }
  return found;
}

/** The log's folder may still have to be made, as the log itself. */
function noEntries(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw new UnreadableFile(error.path ?? '', error);
}

/** Numbers count from the youngest, times from the oldest. */
interface Order {
  readonly number: number;
  readonly time: string;
}

function orderOf(log: string, entry: string): Order | undefined {
  const extension = extname(log);
  const stem = log.slice(0, log.length - extension.length);
  const plain = entry.endsWith('.gz') ? entry.slice(0, -3) : entry;
  if (plain.startsWith(`${log}.`) && /^\d{1,9}$/.test(plain.slice(log.length + 1)))
    return { number: Number(plain.slice(log.length + 1)), time: '' };
  if (plain.startsWith(`${log}-`) && /^\d[\d-]*$/.test(plain.slice(log.length + 1)))
    return { number: 0, time: plain.slice(log.length + 1) };
  if (!plain.startsWith(`${stem}-`) || !plain.endsWith(extension)) return undefined;
  const time = plain.slice(stem.length + 1, plain.length - extension.length);
  return /^\d{4}-\d\d-\d\dT[\d.-]+$/.test(time) ? { number: 0, time } : undefined;
}

/**
 * The file, under whichever name it has now, that had the place's fingerprint and reaches as far as the place; one with its inode if
 * several do. The caller closes it.
 */
export async function findFile(log: string, { fingerprint, inode, offset }: Place): Promise<LogFile | undefined> {
  let found: LogFile | undefined;
  for (const { path } of [...(await filesInOrder(log))].reverse()) {
    const file = await openLogFile(path);
    if (file === undefined) continue;
    const reaches = file.settled || (await file.size()) >= offset;
    if (reaches && fits(fingerprint, await headOf(file)) && (found === undefined || (file.inode === inode && found.inode !== inode))) {
      await found?.close();
      found = file;
    } else await file.close();
  }
  return found;
}
