import { MAX_VALUE_BYTES } from '../../shared/audit/index.ts';
import { filesInOrder, findFile, headOf, type LogFile, openLogFile } from './files.ts';
import { DONE_FILES, type Fingerprint, fingerprintOf, fits, isShort, type Place } from './place.ts';

/** A line of the log, without its end. */
export interface Line {
  readonly bytes: Buffer;
  /** Byte offset in its file. */
  readonly offset: number;
  /** 1-based number in its file. */
  readonly number: number;
  /** Where following stands once this line is dealt with. */
  readonly next: Pick<Place, 'offset' | 'line'>;
}

/** What was read in one go: dealt with as a whole, or up to one of its lines. */
export interface Block {
  readonly lines: readonly Line[];
  /** Place of a line that is too long to be held, and passed over. */
  readonly tooLong: Pick<Line, 'offset' | 'number'> | undefined;
  /** Where following stands once all of it is dealt with. */
  readonly place: Place;
}

export interface TailEvents {
  /** A file was read to its end, and the next one begun. */
  rotated(): void;
  /** The file in which following stood is gone, or damaged: what it still held was never seen. */
  gap(place: Place): void;
}

const BLOCK_BYTES = 4 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * Reads a log that is being written, file by file, through rotation by rename and by copy and truncation, also when that happens several times
 * while nobody reads. It does not watch: whoever asks for the next block decides when to look.
 */
export class Tail {
  readonly #log: string;
  readonly #events: TailEvents;
  #place: Place;
  #file: LogFile | undefined;

  private constructor(log: string, place: Place, events: TailEvents) {
    this.#log = log;
    this.#place = place;
    this.#events = events;
  }

  /** Goes on at `place`; the file is looked for when the first block is asked for. */
  static at(log: string, place: Place, events: TailEvents): Tail {
    return new Tail(log, place, events);
  }

  get place(): Place {
    return this.#place;
  }

  /** Bytes that are written and not read yet, of the present file and of the log. */
  async behindBytes(): Promise<number> {
    const present = Math.max(0, ((await this.#file?.size()) ?? 0) - this.#place.offset);
    const log = await openLogFile(this.#log);
    const more = log === undefined || log.inode === this.#place.inode ? 0 : await log.size();
    await log?.close();
    return present + more;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  /** What follows, `undefined` if there is nothing (yet). `atEnd`: a last line without its end is taken if it is whole JSON. */
  async next(atEnd = false): Promise<Block | undefined> {
    for (;;) {
      this.#file ??= await this.#find();
      if (this.#file === undefined || (await this.#overtaken(this.#file))) {
        if (!(await this.#goOn())) return undefined;
        continue;
      }
      const read = await this.#read(this.#file);
      if (read === 'replaced') {
        await this.close();
        continue;
      }
      const { bytes, complete } = read;
      if (bytes.length > 0) {
        const block = this.#cut(bytes, complete);
        if (block !== undefined) return this.#taken(block);
      }
      if (await this.#isOver(this.#file)) {
        const last = await this.#read(this.#file);
        if (last === 'replaced' || last.bytes.length > bytes.length) continue;
        if (last.bytes.length > 0) return this.#taken(this.#rest(last.bytes));
        if (!(await this.#goOn())) return undefined;
        continue;
      }
      return atEnd && isJson(bytes) ? this.#taken(this.#rest(bytes)) : undefined;
    }
  }

  #taken(block: Block): Block {
    this.#place = block.place;
    return block;
  }

  /** The file of the present place. */
  async #find(): Promise<LogFile | undefined> {
    if (this.#place.fingerprint.bytes === 0) return undefined;
    const file = await findFile(this.#log, this.#place);
    if (file === undefined) {
      this.#events.gap(this.#place);
      this.#place = { ...this.#place, fingerprint: fingerprintOf(Buffer.alloc(0)), offset: 0, line: 0, skipping: false, ahead: [] };
    }
    return file;
  }

  /** Nothing of the log was read yet, and an earlier file is waiting: it was rotated away in between, with another's inode or fingerprint. */
  async #overtaken(file: LogFile): Promise<boolean> {
    if (this.#place.offset > 0 || this.#place.ahead.length > 0 || (await this.#inodeOfLog()) !== file.inode) return false;
    const next = await this.#successor(undefined);
    await next?.close();
    if (next === undefined || next.inode === file.inode) return false;
    await this.close();
    this.#place = { ...this.#place, fingerprint: fingerprintOf(Buffer.alloc(0)) };
    return true;
  }

  /** Up to 4 MiB from the place on, more if no line ends in them. Checked after reading: a fingerprint that still fits says that nothing was truncated before. */
  async #read(file: LogFile): Promise<{ readonly bytes: Buffer; readonly complete: boolean } | 'replaced'> {
    let wanted = BLOCK_BYTES;
    let bytes: Buffer;
    for (;;) {
      bytes = await file.read(this.#place.offset, wanted);
      if (bytes.length < wanted || wanted >= MAX_VALUE_BYTES || bytes.includes(NEWLINE)) break;
      wanted *= 2;
    }
    if (!file.settled) {
      const head = await headOf(file);
      const { fingerprint, offset } = this.#place;
      // A file that grew shorter is another, also where it begins alike: somebody took lines out of it.
      if (!fits(fingerprint, head) || (bytes.length === 0 && (await file.size()) < offset)) return 'replaced';
      if (isShort(fingerprint, head)) this.#place = { ...this.#place, fingerprint: fingerprintOf(head) };
    }
    return { bytes, complete: bytes.length < wanted };
  }

  /** The whole lines in `bytes`; `undefined` when no line ends in them and more may come. */
  #cut(bytes: Buffer, toTheEnd: boolean): Block | undefined {
    const lines: Line[] = [];
    const ahead = new Set(this.#place.ahead);
    let { offset, line, skipping } = this.#place;
    let at = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, at)) {
      const next = { offset: offset + end + 1 - at, line: line + 1 };
      if (!skipping && !ahead.has(offset)) lines.push({ bytes: bytes.subarray(at, end), offset, number: line + 1, next });
      skipping = false;
      ({ offset, line } = next);
      at = end + 1;
    }
    if (at > 0) return { lines, tooLong: undefined, place: this.#placeAt({ offset, line, skipping }) };
    if (!skipping && (toTheEnd || bytes.length < MAX_VALUE_BYTES)) return undefined;
    const tooLong = skipping ? undefined : { offset, number: line + 1 };
    return { lines: [], tooLong, place: this.#placeAt({ offset: offset + bytes.length, line, skipping: true }) };
  }

  /** The last line of a file, which no line feed ends. */
  #rest(bytes: Buffer): Block {
    const { offset, line, skipping, ahead } = this.#place;
    const next = { offset: offset + bytes.length, line: line + 1 };
    return {
      lines: skipping || ahead.includes(offset) ? [] : [{ bytes, offset, number: line + 1, next }],
      tooLong: undefined,
      place: this.#placeAt({ ...next, skipping: false }),
    };
  }

  #placeAt(at: Pick<Place, 'offset' | 'line' | 'skipping'>): Place {
    return { ...this.#place, ...at, ahead: this.#place.ahead.filter((offset) => offset >= at.offset) };
  }

  /** Nothing will be written to the file any more: it is not the log now, and the writer has begun another. */
  async #isOver(file: LogFile): Promise<boolean> {
    if ((await this.#inodeOfLog()) === file.inode) return false;
    const next = await this.#successor(file);
    await next?.close();
    return next !== undefined;
  }

  /** Begins the file after the present one, if there is one. */
  async #goOn(): Promise<boolean> {
    const { fingerprint, done } = this.#place;
    const next = await this.#successor(this.#file);
    if (next === undefined) return false;
    if (this.#file?.damaged?.()) this.#events.gap(this.#place);
    if (this.#file !== undefined) this.#events.rotated();
    await this.close();
    this.#file = next;
    this.#place = {
      ...this.#place,
      inode: next.inode,
      fingerprint: fingerprintOf(await headOf(next)),
      offset: 0,
      line: 0,
      skipping: false,
      ahead: [],
      done: fingerprint.bytes > 0 ? [...done, fingerprint].slice(-DONE_FILES) : done,
    };
    return true;
  }

  /** The first file behind the present one, or else behind those done, in which something stands. The caller closes it. */
  async #successor(present: LogFile | undefined): Promise<LogFile | undefined> {
    let found: LogFile | undefined;
    let logHead: Buffer | undefined;
    for (const { path, inode } of (await filesInOrder(this.#log)).toReversed()) {
      const file = await openLogFile(path);
      if (file === undefined) continue;
      const head = await headOf(file);
      if (present?.inode === inode || this.#isKnown(head, present)) {
        await file.close();
        break;
      }
      if (path === this.#log) logHead = head;
      // The copy is still being made, or the log is about to be truncated: neither is taken until they differ.
      else if (head.length > 0 && logHead !== undefined && fits(fingerprintOf(head), logHead)) {
        await found?.close();
        await file.close();
        found = undefined;
        continue;
      }
      if (head.length === 0) {
        await file.close();
        continue;
      }
      await found?.close();
      found = file;
    }
    return found;
  }

  #isKnown(head: Buffer, present: LogFile | undefined): boolean {
    const { done, fingerprint } = this.#place;
    const known = present === undefined ? done : [...done, fingerprint];
    return known.some((one) => one.bytes > 0 && fits(one, head));
  }

  async #inodeOfLog(): Promise<string | undefined> {
    const log = await openLogFile(this.#log);
    await log?.close();
    return log?.inode;
  }
}

/** Where to begin a log that has no checkpoint: at its first line, or behind what is written by now. Earlier files are history. */
export async function beginning(log: string, from: 'start' | 'end'): Promise<Place> {
  const earlier = (await filesInOrder(log)).filter(({ path }) => path !== log);
  const done: Fingerprint[] = [];
  for (const { path } of earlier.slice(-DONE_FILES)) {
    const file = await openLogFile(path);
    const head = file === undefined ? Buffer.alloc(0) : await headOf(file);
    await file?.close();
    if (head.length > 0) done.push(fingerprintOf(head));
  }
  const file = await openLogFile(log);
  const head = file === undefined ? Buffer.alloc(0) : await headOf(file);
  const end = file === undefined || from === 'start' ? { offset: 0, line: 0 } : await lastLineEnd(file);
  await file?.close();
  return {
    version: 1,
    log,
    inode: file?.inode ?? '0',
    fingerprint: fingerprintOf(head),
    ...end,
    skipping: false,
    ahead: [],
    done,
  };
}

/** Behind the last line that has an end, and how many there are. */
async function lastLineEnd(file: LogFile): Promise<Pick<Place, 'offset' | 'line'>> {
  let [at, offset, line] = [0, 0, 0];
  for (;;) {
    const bytes = await file.read(at, BLOCK_BYTES);
    if (bytes.length === 0) return { offset, line };
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, end + 1)) {
      offset = at + end + 1;
      line++;
    }
    at += bytes.length;
  }
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString());
    return bytes.length > 0;
  } catch {
    return false;
  }
}
