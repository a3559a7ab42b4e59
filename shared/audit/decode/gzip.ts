import { crc32, createInflateRaw, type InflateRaw, inflateRawSync } from 'node:zlib';
import type { RejectReason } from '../item.ts';
import { MEMBER_HEADER, nextMember, type Window } from './window.ts';

/** A place in the inflated text where bytes are missing: what came before ends there, what follows starts anew. */
export interface Gap {
  readonly reason: RejectReason;
}

/** Bytes that could still be inflated, shared by all layers of one object. */
export interface Budget {
  left: number;
}

export interface GzipInput {
  readonly window: Window;
  /** Brings at least one more byte into the window; false at its end. */
  readonly fill: () => Promise<boolean>;
}

/** Members up to this size are inflated at one go, which is several times faster for the small members that Firehose writes. */
const AT_ONCE_BYTES = 1024 * 1024;
const AT_ONCE_INFLATED = 16 * 1024 * 1024;
/** Deflate inflates up to 1,032 times: what one step may hold in memory is 16 KiB × 1,032. */
const STEP_BYTES = 16 * 1024;
/** After this many members in a row that cannot be read the rest of the layer is given up. */
const MAX_FAILURES = 1000;

/**
 * Inflates the gzip members that follow each other in the window, back to back or with blanks between them (Firehose puts a line feed there,
 * which zlib takes for garbage). Returns where something else begins. A damaged member becomes a gap, and reading goes on at the next member.
 */
export async function* inflateMembers(input: GzipInput, budget: Budget): AsyncGenerator<Buffer | Gap> {
  const { window } = input;
  let failures = 0;
  // Members of one object are mostly alike: room for the last one's size spares putting pieces together.
  const size = { expected: 0 };
  for (;;) {
    if (!(await atMember(input))) return;
    const bad = yield* inflateMember(input, budget, size);
    if (bad === undefined) {
      failures = 0;
      continue;
    }
    // Members that follow a damaged one and are damaged as well belong to the same gap.
    if (failures++ === 0) yield { reason: bad };
    if (bad === 'inflation-limit' || failures > MAX_FAILURES) {
      window.at = window.bytes.length;
      while (await input.fill()) window.at = window.bytes.length;
      return;
    }
    await toNextMagic(input);
  }
}

/** Passes over blanks and zeros; whether a member starts behind them. */
async function atMember(input: GzipInput): Promise<boolean> {
  const { window } = input;
  for (;;) {
    while (window.length > 0 && isFiller(window.bytes[window.at]!)) window.at++;
    if (window.length >= 2) return window.bytes[window.at] === 0x1f && window.bytes[window.at + 1] === 0x8b;
    if (!(await input.fill())) return false;
  }
}

function isFiller(c: number): boolean {
  return c === 0x0a || c === 0x0d || c === 0x20 || c === 0x09 || c === 0x00;
}

async function toNextMagic(input: GzipInput): Promise<void> {
  const { window } = input;
  for (;;) {
    const at = nextMember(window.bytes, window.at);
    if (at >= 0) {
      window.at = at;
      return;
    }
    window.at = Math.max(window.at, window.bytes.length - MEMBER_HEADER + 1);
    if (!(await input.fill())) {
      window.at = window.bytes.length;
      return;
    }
  }
}

/** Inflates the member at the window's position; returns what was wrong with it. */
async function* inflateMember(
  input: GzipInput,
  budget: Budget,
  size: { expected: number },
): AsyncGenerator<Buffer, RejectReason | undefined> {
  const { window } = input;
  let header = headerLength(window.bytes, window.at);
  window.wanted = AT_ONCE_BYTES;
  while ((header === 'more' || window.length < AT_ONCE_BYTES) && (await input.fill())) header = headerLength(window.bytes, window.at);
  window.wanted = 1;
  if (typeof header === 'string') {
    window.at += Math.min(2, window.length);
    return 'bad-gzip';
  }
  const start = window.at + header;
  const atOnce = inflateAtOnce(window.bytes.subarray(start), Math.min(AT_ONCE_INFLATED, budget.left), window.ended, size.expected);
  if (atOnce === 'damaged') {
    window.at += 2;
    return 'bad-gzip';
  }
  if (atOnce !== 'too-large') {
    const { output, consumed, complete } = atOnce;
    const after = start + consumed;
    // What was inflated before the data breaks off is right, if it does break off and did not run on into other members.
    const sound = complete ? matches(window.bytes, after, crc32(output), output.length) : nextMember(window.bytes, start) < 0;
    if (!sound) {
      window.at += 2;
      return 'bad-gzip';
    }
    budget.left -= output.length;
    size.expected = output.length;
    window.at = complete ? after + 8 : window.bytes.length;
    if (output.length > 0) yield output;
    return complete ? undefined : 'bad-gzip';
  }
  window.at = start;
  return yield* inflateInSteps(input, budget);
}

/** The length of the header of the member at `i` (RFC 1952). */
function headerLength(bytes: Buffer, i: number): number | 'more' | 'bad' {
  if (bytes.length - i < 10) return 'more';
  const flags = bytes[i + 3]!;
  if (bytes[i + 2] !== 8 || (flags & 0xe0) !== 0) return 'bad';
  let j = i + 10;
  if (flags & 4) {
    if (bytes.length - j < 2) return 'more';
    j += 2 + bytes.readUInt16LE(j);
  }
  for (const flag of [8, 16]) {
    if (!(flags & flag)) continue;
    const zero = bytes.indexOf(0, j);
    if (zero < 0) return bytes.length - j > 65_536 ? 'bad' : 'more';
    j = zero + 1;
  }
  if (flags & 2) j += 2;
  return j > bytes.length ? 'more' : j - i;
}

/** Whether the eight bytes behind the deflated data are the checksum and length of what was inflated. */
function matches(bytes: Buffer, i: number, sum: number, length: number): boolean {
  return bytes.length - i >= 8 && bytes.readUInt32LE(i) === sum && bytes.readUInt32LE(i + 4) === length % 2 ** 32;
}

interface AtOnce {
  readonly output: Buffer;
  readonly consumed: number;
  /** False when the data breaks off before the member's end. */
  readonly complete: boolean;
}

function inflateAtOnce(data: Buffer, limit: number, isLast: boolean, expected: number): AtOnce | 'too-large' | 'damaged' {
  const attempt = (finishFlush?: number) => {
    const { buffer, engine } = inflateRawSync(data, {
      info: true,
      maxOutputLength: Math.max(limit, 1),
      chunkSize: Math.max(64 * 1024, Math.ceil(expected * 1.25)),
      ...(finishFlush === undefined ? {} : { finishFlush }),
    }) as unknown as { buffer: Buffer; engine: InflateRaw };
    return { output: buffer, consumed: engine.bytesWritten };
  };
  try {
    const done = attempt();
    // The checksum may still be on its way.
    if (!isLast && data.length - done.consumed < 8) return 'too-large';
    return { ...done, complete: true };
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ERR_BUFFER_TOO_LARGE') return 'too-large';
    if (code !== 'Z_BUF_ERROR') return 'damaged';
    if (!isLast) return 'too-large';
  }
  try {
    return { ...attempt(SYNC_FLUSH), complete: false };
  } catch (error) {
    return (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE' ? 'too-large' : 'damaged';
  }
}
const SYNC_FLUSH = 2;

/** Inflates the deflated data at the window's position, a step of input at a time. */
async function* inflateInSteps(input: GzipInput, budget: Budget): AsyncGenerator<Buffer, RejectReason | undefined> {
  const { window } = input;
  const engine = createInflateRaw({ chunkSize: 128 * 1024 });
  let outputs: Buffer[] = [];
  engine.on('data', (chunk: Buffer) => outputs.push(chunk));
  let sum = 0;
  let length = 0;
  let consumed = 0;
  try {
    for (;;) {
      if (window.length === 0 && !(await input.fill())) return 'bad-gzip';
      const step = window.bytes.subarray(window.at, window.at + STEP_BYTES);
      await write(engine, step);
      const taken = engine.bytesWritten - consumed;
      consumed += taken;
      window.at += taken;
      for (const output of outputs) {
        budget.left -= output.length;
        sum = crc32(output, sum);
        length += output.length;
      }
      const ready = outputs;
      outputs = [];
      if (budget.left < 0) return 'inflation-limit';
      yield* ready;
      if (taken < step.length) break;
    }
  } catch {
    // Wherever in the step the damage is: the next member is looked for behind it.
    window.at += Math.min(STEP_BYTES, window.length);
    return 'bad-gzip';
  } finally {
    engine.destroy();
  }
  while (window.length < 8 && (await input.fill()));
  if (!matches(window.bytes, window.at, sum, length)) return 'bad-gzip';
  window.at += 8;
  return undefined;
}

/** Resolves when the step has been inflated. A failed engine does not call back, it emits. */
function write(engine: InflateRaw, step: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    engine.once('error', reject);
    engine.write(step, () => {
      engine.off('error', reject);
      resolve();
    });
  });
}
