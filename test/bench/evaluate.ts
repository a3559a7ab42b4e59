import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { evaluateFiles } from '../../cli/evaluate/evaluate.ts';
import { rulesPaths } from '../../cli/rules/files.ts';
import { loadRules } from '../../shared/falco/engine/index.ts';
import { corpus } from '../support/corpus.ts';
import { recordedRules } from '../support/recorded-rules.ts';

const BYTES = 100_000_000;
const ROUNDS = 3;
const OWN_RULES = resolve(import.meta.dirname, '../../rules/falco');

/**
 * A file of events in, a stream of alerts out, beside one JSON.parse per line of the same file. Processor time of one process, by turns, the
 * quickest of a few rounds each.
 */
export async function run(): Promise<{ title: string; columns: string[]; rows: (string | number)[][]; notes: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'tiercel-bench-'));
  try {
    const path = join(folder, 'events.ndjson');
    const events = writeEvents(path);
    const sets = [...recordedRules(), { name: 'own rules', paths: [OWN_RULES] }];
    const rows: (string | number)[][] = [];
    let parse = Number.POSITIVE_INFINITY;
    const seconds = new Map<string, number>();
    const memory = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round++) {
      parse = Math.min(parse, await cpuSeconds(async () => parseLines(path)));
      for (const { name, paths } of sets) {
        for (const mode of ['first', 'all'] as const) {
          const key = `${name}, ${mode}`;
          const took = await cpuSeconds(() => evaluate(path, paths, mode));
          seconds.set(key, Math.min(seconds.get(key) ?? Number.POSITIVE_INFINITY, took));
          memory.set(key, Math.round(process.memoryUsage().rss / 1e6));
        }
      }
    }
    rows.push(['JSON.parse per line', Math.round(events / parse), +(BYTES / parse / 1e6).toFixed(0), '1.00 ×', '']);
    for (const [key, took] of seconds) {
      rows.push([
        `evaluate, ${key}`,
        Math.round(events / took),
        +(BYTES / took / 1e6).toFixed(0),
        `${(parse / took).toFixed(2)} ×`,
        memory.get(key)!,
      ]);
    }
    const notes = ['Aim: 0.7 × of JSON.parse, at least 0.3 ×; memory does not grow with the file.'];
    for (const { name, paths } of sets) notes.push(await loadingNote(name, paths));
    return {
      title: `Evaluate, one core: ${events} events, ${(BYTES / 1e6).toFixed(0)} MB of NDJSON, file in to alerts out`,
      columns: ['', 'events/s', 'MB/s', 'of JSON.parse', 'RSS, MB'],
      rows,
      notes,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The corpus again and again, to 100 MB. Returns the number of events. */
export function writeEvents(path: string): number {
  const lines = corpus().events;
  const text = Buffer.from(`${lines.join('\n')}\n`);
  const file = openSync(path, 'w');
  let written = 0;
  let events = 0;
  for (; written < BYTES; written += text.length, events += lines.length) writeSync(file, text);
  closeSync(file);
  return events;
}

function parseLines(path: string): void {
  const bytes = readFileSync(path);
  for (let start = 0, end = bytes.indexOf(10); end >= 0; start = end + 1, end = bytes.indexOf(10, start)) {
    JSON.parse(bytes.toString('utf8', start, end));
  }
}

async function evaluate(path: string, rules: readonly string[], ruleMatching: 'first' | 'all'): Promise<void> {
  const out = new PassThrough();
  out.resume();
  const outcome = await evaluateFiles([path], { rules, ruleMatching }, { out, log: { write: () => true }, stdin: process.stdin });
  if (outcome !== 'done') throw new Error(`evaluate: ${outcome}`);
}

async function cpuSeconds(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

async function loadingNote(name: string, paths: readonly string[]): Promise<string> {
  const files = (await rulesPaths(paths)).map((path) => ({ name: path, text: readFileSync(path, 'utf8') }));
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    const started = performance.now();
    loadRules(files);
    best = Math.min(best, performance.now() - started);
  }
  return `Loading ${name} (${files.length} files): ${best.toFixed(0)} ms.`;
}
