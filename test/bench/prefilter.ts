import { resolve } from 'node:path';
import { readRulesFiles } from '../../cli/rules/files.ts';
import { createPreFilter, loadRules, type PreFilter } from '../../shared/falco/engine/index.ts';
import { corpus } from '../support/corpus.ts';
import { recordedRules } from '../support/recorded-rules.ts';

const ROUNDS = 5;
const REPEAT = 10;
const OWN_RULES = resolve(import.meta.dirname, '../../rules/falco');

/** Deciding about raw texts in memory, beside one JSON.parse for each of them. Processor time, by turns, the quickest of a few rounds each. */
export async function run(): Promise<{ title: string; columns: string[]; rows: (string | number)[][]; notes: string[] }> {
  const lines = corpus().events.map((text) => Buffer.from(text));
  const events = lines.length * REPEAT;
  const bytes = lines.reduce((sum, line) => sum + line.length, 0) * REPEAT;
  const sets = [...recordedRules(), { name: 'own rules', paths: [OWN_RULES] }];
  const filters = new Map<string, PreFilter>();
  for (const { name, paths } of sets) filters.set(name, createPreFilter(loadRules(await readRulesFiles(paths)).rules));

  let parse = Number.POSITIVE_INFINITY;
  const seconds = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    parse = Math.min(
      parse,
      cpuSeconds(lines, (line) => JSON.parse(line.toString())),
    );
    for (const [name, filter] of filters) {
      const took = cpuSeconds(lines, (line) => filter.couldMatch(line));
      seconds.set(name, Math.min(seconds.get(name) ?? Number.POSITIVE_INFINITY, took));
    }
  }
  const rows: (string | number)[][] = [['JSON.parse', Math.round(events / parse), +(bytes / parse / 1e6).toFixed(0), '1.00 ×', '']];
  for (const [name, took] of seconds) {
    const { kept, unclear, dropped } = filters.get(name)!.stats;
    const gone = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    const share = `${((gone / (kept + unclear + gone)) * 100).toFixed(1)} %`;
    rows.push([
      `pre-filter, ${name}`,
      Math.round(events / took),
      +(bytes / took / 1e6).toFixed(0),
      `${(parse / took).toFixed(2)} ×`,
      share,
    ]);
  }
  return {
    title: `Pre-filter, one core: ${events} events, ${(bytes / 1e6).toFixed(0)} MB`,
    columns: ['', 'events/s', 'MB/s', 'of JSON.parse', 'dropped'],
    rows,
    notes: ["Aim: 3 × of JSON.parse with Falco's rules, at least 2 ×, with three events in four dropped."],
  };
}

function cpuSeconds(lines: readonly Buffer[], each: (line: Buffer) => unknown): number {
  const before = process.cpuUsage();
  for (let i = 0; i < REPEAT; i++) for (const line of lines) each(line);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
