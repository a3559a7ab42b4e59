import { createHash } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as z from 'zod';
import { messageOf, TiercelError } from '../../shared/platform/errors.ts';
import { UnreadableFile, UsageError } from '../usage.ts';

/** The first bytes of a file tell it from every other: each line of an audit log begins with an id of its own. */
const FINGERPRINT_BYTES = 1024;
export const DONE_FILES = 16;

const fingerprintSchema = z.strictObject({ bytes: z.int().min(0).max(FINGERPRINT_BYTES), sha256: z.string() });

const placeSchema = z.strictObject({
  version: z.literal(1),
  /** The log as it was named, absolute. */
  log: z.string(),
  /** Decimal: inode numbers may be larger than a double holds. */
  inode: z.string().regex(/^\d+$/),
  fingerprint: fingerprintSchema,
  /** Bytes of the file (inflated, if it has been compressed since) that are dealt with. */
  offset: z.int().min(0),
  /** Lines of the file that are dealt with. */
  line: z.int().min(0),
  /** The offset lies in a line that is too long to be held, and is passed over. */
  skipping: z.boolean(),
  /** Offsets of lines behind `offset` that are dealt with: the receiver took them while it refused earlier ones, and then following was stopped. */
  ahead: z.array(z.int().min(0)).default([]),
  /** The files read to their end last, or history from the first. What stands behind them in the order of rotation has not been read. */
  done: z.array(fingerprintSchema).max(DONE_FILES),
});

/** Where following stands: which file, and how much of it is dealt with. It is all that a restart needs. */
export type Place = z.output<typeof placeSchema>;
export type Fingerprint = z.output<typeof fingerprintSchema>;

/** The fingerprint of a file that begins with `head`. */
export function fingerprintOf(head: Uint8Array): Fingerprint {
  const bytes = Math.min(head.length, FINGERPRINT_BYTES);
  return { bytes, sha256: createHash('sha256').update(head.subarray(0, bytes)).digest('hex') };
}

/** Whether a file that begins with `head` may be the one that had `fingerprint`: files grow, so only as many bytes are compared as there were. */
export function fits(fingerprint: Fingerprint, head: Uint8Array): boolean {
  return head.length >= fingerprint.bytes && fingerprintOf(head.subarray(0, fingerprint.bytes)).sha256 === fingerprint.sha256;
}

/** Whether the fingerprint would become another if the file, which begins with `head`, is looked at again. */
export function isShort(fingerprint: Fingerprint, head: Uint8Array): boolean {
  return fingerprint.bytes < Math.min(head.length, FINGERPRINT_BYTES);
}

/** @throws UsageError when there is a file that cannot be read or is not a checkpoint of this log; `undefined` when there is none. */
export async function readCheckpoint(file: string, log: string): Promise<Place | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UnreadableFile(file, error);
  }
  const place = placeSchema.safeParse(parsed(text));
  if (!place.success) {
    throw new UsageError('BAD_CHECKPOINT', `${file} is not a checkpoint of tiercel follow: name another file, or delete it to begin anew`);
  }
  if (place.data.log !== log) {
    throw new UsageError('BAD_CHECKPOINT', `checkpoint ${file} belongs to ${place.data.log}, not to ${log}: use one checkpoint per log`);
  }
  return place.data;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Replaces the checkpoint as a whole: after a crash at any moment the file is the old one or the new one. */
export async function writeCheckpoint(file: string, place: Place): Promise<void> {
  const next = `${file}.next`;
  try {
    const handle = await open(next, 'w', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(place)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(next, file);
    const folder = await open(dirname(file), 'r');
    await folder.sync().finally(() => folder.close());
  } catch (error) {
    await rm(next, { force: true }).catch(() => {});
    throw new TiercelError('CHECKPOINT_UNWRITABLE', `checkpoint ${file} cannot be written: ${messageOf(error)}`, { cause: error });
  }
}
