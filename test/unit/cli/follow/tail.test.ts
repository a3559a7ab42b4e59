import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type Place, readCheckpoint, writeCheckpoint } from '../../../../cli/follow/place.ts';
import { beginning, Tail } from '../../../../cli/follow/tail.ts';

const root = mkdtempSync(join(tmpdir(), 'tail-'));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;

/** A log as its writer sees it, in a folder of its own. */
class Log {
  readonly folder = join(root, String(folders++));
  readonly path = join(this.folder, 'audit.log');
  readonly written: string[] = [];
  #rotations = 0;

  constructor() {
    mkdirSync(this.folder);
    writeFileSync(this.path, '');
  }

  write(count: number): void {
    for (let i = 0; i < count; i++) {
      const line = `{"auditID":"${this.written.length}","pad":"${'x'.repeat(this.written.length % 50)}"}`;
      this.written.push(line);
      appendFileSync(this.path, `${line}\n`);
    }
  }

  rename(): void {
    renameSync(this.path, join(this.folder, `audit-2026-11-21T10-00-00.${String(this.#rotations++).padStart(3, '0')}.log`));
    writeFileSync(this.path, '');
  }

  /** As logrotate with copytruncate: numbers move up, the copy becomes number 1. */
  copyTruncate(): void {
    const numbers = readdirSync(this.folder).flatMap((name) => /^audit\.log\.(\d+)$/.exec(name)?.[1] ?? []);
    for (const n of numbers.map(Number).sort((a, b) => b - a)) renameSync(`${this.path}.${n}`, `${this.path}.${n + 1}`);
    copyFileSync(this.path, `${this.path}.1`);
    truncateSync(this.path, 0);
  }

  /** As kube-apiserver with --audit-log-compress: a new file with a new time, then the plain one goes. */
  compress(): void {
    for (const name of readdirSync(this.folder).filter((entry) => /^audit-.*\.log$/.test(entry))) {
      const path = join(this.folder, name);
      writeFileSync(`${path}.gz`, gzipSync(readFileSync(path)));
      rmSync(path);
    }
  }
}

class Reader {
  readonly seen: string[] = [];
  readonly #log: Log;
  gaps = 0;
  #tail: Tail | undefined;
  place: Place | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Reads what there is, `blocks` blocks at most. */
  async read(blocks = Number.POSITIVE_INFINITY): Promise<void> {
    this.place ??= await beginning(this.#log.path, 'start');
    this.#tail ??= Tail.at(this.#log.path, this.place, { rotated: () => {}, gap: () => void this.gaps++ });
    for (let i = 0; i < blocks; i++) {
      const block = await this.#tail.next();
      if (block === undefined) return;
      this.seen.push(...block.lines.map((line) => line.bytes.toString()));
      this.place = block.place;
    }
  }

  /** Forgets all but the place, as a restart does. */
  async restart(): Promise<void> {
    await this.#tail?.close();
    this.#tail = undefined;
  }
}

type Step = 'write' | 'rename' | 'copyTruncate' | 'compress' | 'read' | 'restart';
/** A log is rotated in one way: names of two ways have no order among them. */
const ways: readonly (readonly Step[])[] = [
  ['write', 'rename', 'compress', 'read', 'restart'],
  ['write', 'copyTruncate', 'read', 'restart'],
];

async function play(script: readonly Step[], log: Log, reader: Reader): Promise<void> {
  for (const step of script) {
    if (step === 'write') log.write(3);
    else if (step === 'read') await reader.read();
    else if (step === 'restart') await reader.restart();
    else log[step]();
  }
}

describe('a log that is rotated while it is read', () => {
  it.each<{ readonly name: string; readonly script: readonly Step[] }>([
    { name: 'by rename', script: ['write', 'read', 'write', 'rename', 'write', 'read'] },
    { name: 'by rename, three times, unread', script: ['write', 'read', 'rename', 'write', 'rename', 'write', 'rename', 'write'] },
    { name: 'by copy and truncation', script: ['write', 'read', 'write', 'copyTruncate', 'write'] },
    { name: 'by copy and truncation to a longer file', script: ['write', 'read', 'copyTruncate', 'write', 'write', 'write', 'read'] },
    {
      name: 'by copy and truncation, three times, unread',
      script: ['write', 'read', 'write', 'copyTruncate', 'write', 'copyTruncate', 'write', 'copyTruncate'],
    },
    { name: 'before anything was read', script: ['read', 'write', 'copyTruncate', 'write', 'copyTruncate', 'read', 'write'] },
    {
      name: 'and compressed, across a restart',
      script: ['write', 'read', 'write', 'restart', 'rename', 'compress', 'write', 'read', 'write'],
    },
    {
      name: 'and compressed after it was read',
      script: ['write', 'rename', 'write', 'read', 'compress', 'write', 'rename', 'write', 'read', 'compress', 'read'],
    },
  ])('$name: every line once, in order', async ({ script }) => {
    const log = new Log();
    const reader = new Reader(log);
    await reader.read();
    await play(script, log, reader);
    await reader.read();
    expect(reader.seen).toEqual(log.written);
    expect(reader.gaps).toBe(0);
    await reader.restart();
  });

  it('in any order of writing, rotating, reading and restarting: every line once, in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...ways).chain((steps) => fc.array(fc.constantFrom(...steps), { minLength: 3, maxLength: 14 })),
        async (script) => {
          const log = new Log();
          const reader = new Reader(log);
          log.write(1);
          await reader.read();
          await play(script, log, reader);
          // A rotated log is only left for one in which something stands.
          log.write(1);
          await reader.read();
          await reader.restart();
          expect({ script, seen: reader.seen, gaps: reader.gaps }).toEqual({ script, seen: log.written, gaps: 0 });
        },
      ),
      { numRuns: 30 },
    );
  });

  it('a file that is gone before it was read to its end is said, and reading goes on behind it', async () => {
    const log = new Log();
    const reader = new Reader(log);
    log.write(3);
    await reader.read();
    log.write(3);
    await reader.restart();
    rmSync(log.path);
    writeFileSync(log.path, '');
    const lost = log.written.splice(3);
    log.write(2);
    await reader.read();
    expect(lost).toHaveLength(3);
    expect(reader.gaps).toBe(1);
    expect(reader.seen).toEqual(log.written);
    await reader.restart();
  });
});

describe('a log in a strange state', () => {
  it('that lost lines but begins as before is read again from its beginning, and that is said', async () => {
    const log = new Log();
    const reader = new Reader(log);
    log.write(60);
    await reader.read();
    truncateSync(log.path, readFileSync(log.path, 'utf8').indexOf('{"auditID":"40"'));
    log.write(5);
    await reader.read();
    expect(reader.gaps).toBe(1);
    expect(new Set(reader.seen)).toEqual(new Set(log.written));
    // And also when nobody was reading while it happened.
    await reader.restart();
    truncateSync(log.path, readFileSync(log.path, 'utf8').indexOf('{"auditID":"30"'));
    log.write(5);
    await reader.read();
    expect(reader.gaps).toBe(2);
    expect(new Set(reader.seen)).toEqual(new Set(log.written));
    await reader.restart();
  });

  it('whose folder is still to be made is waited for', async () => {
    const log = new Log();
    const reader = new Reader(log);
    rmSync(log.folder, { recursive: true });
    await reader.read();
    mkdirSync(log.folder);
    writeFileSync(log.path, '');
    log.write(3);
    await reader.read();
    expect(reader.seen).toEqual(log.written);
    expect(reader.gaps).toBe(0);
    await reader.restart();
  });

  it('that is a link to another file by now is read on, behind the rest of the first', async () => {
    const log = new Log();
    const reader = new Reader(log);
    const [first, second] = [join(log.folder, 'first'), join(log.folder, 'second')];
    rmSync(log.path);
    writeFileSync(first, '');
    symlinkSync(first, log.path);
    log.write(3);
    await reader.read();
    log.write(2);
    rmSync(log.path);
    writeFileSync(second, '');
    symlinkSync(second, log.path);
    log.write(3);
    await reader.read();
    expect(reader.seen).toEqual(log.written);
    await reader.restart();
  });
});

describe('lines', () => {
  it('that are dealt with behind the place are passed over, in this file only', async () => {
    const log = new Log();
    const reader = new Reader(log);
    log.write(6);
    const starts = log.written.map((_, at) => Buffer.byteLength(log.written.slice(0, at).join('\n')) + (at === 0 ? 0 : 1));
    reader.place = { ...(await beginning(log.path, 'start')), ahead: [starts[1]!, starts[2]!, starts[5]!] };
    await reader.read();
    expect(reader.seen).toEqual([log.written[0], log.written[3], log.written[4]]);
    expect(reader.place?.ahead).toEqual([]);
    log.rename();
    log.write(6);
    await reader.read();
    expect(reader.seen.slice(3)).toEqual(log.written.slice(6));
    await reader.restart();
  });

  it('a line is read when it is whole; the last one of a rotated file without its end too', async () => {
    const log = new Log();
    const reader = new Reader(log);
    appendFileSync(log.path, 'one\ntw');
    await reader.read();
    expect(reader.seen).toEqual(['one']);
    appendFileSync(log.path, 'o');
    await reader.read();
    log.rename();
    await reader.read();
    expect(reader.seen).toEqual(['one']);
    appendFileSync(log.path, 'three\n');
    await reader.read();
    expect(reader.seen).toEqual(['one', 'two', 'three']);
    await reader.restart();
  });

  it('a line beyond 16 MiB is passed over by place, also across a restart, and costs no neighbour', async () => {
    const log = new Log();
    appendFileSync(log.path, `one\n${'x'.repeat(20 * 1024 * 1024)}`);
    const reader = new Reader(log);
    await reader.read();
    await reader.restart();
    appendFileSync(log.path, 'xx\ntwo\n');
    await reader.read();
    expect(reader.seen).toEqual(['one', 'two']);
    expect(reader.place?.line).toBe(3);
    await reader.restart();
  });

  it('begins behind what is written, at the end of a line', async () => {
    const log = new Log();
    log.write(5);
    appendFileSync(log.path, 'half');
    const place = await beginning(log.path, 'end');
    expect(place).toMatchObject({ line: 5, offset: readFileSync(log.path).length - 4 });
  });
});

describe('the checkpoint', () => {
  it('is read as it was written, and refused when it is another log’s or no checkpoint', async () => {
    const log = new Log();
    log.write(2);
    const file = join(log.folder, 'place.json');
    const place = await beginning(log.path, 'end');
    expect(await readCheckpoint(file, log.path)).toBeUndefined();
    await writeCheckpoint(file, place);
    expect(await readCheckpoint(file, log.path)).toEqual(place);
    expect(readdirSync(log.folder).sort()).toEqual(['audit.log', 'place.json']);
    await expect(readCheckpoint(file, '/other.log')).rejects.toThrow('one checkpoint per log');
    // As the first version wrote it.
    const { ahead: _, ...older } = place;
    writeFileSync(file, JSON.stringify(older));
    expect(await readCheckpoint(file, log.path)).toEqual(place);
    writeFileSync(file, '{"version":1');
    await expect(readCheckpoint(file, log.path)).rejects.toThrow('is not a checkpoint');
  });
});
