import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { loadRules } from '../../../shared/falco/engine/index.ts';
import { type Loads, measureCoverage, runMutations, runTestFile, type TesterFiles } from '../../../shared/falco/engine/tester/index.ts';
import { folder, packFiles, readMapping, root } from './pack.ts';

const files = packFiles();
const pack = loadRules(files);
const mapping = readMapping();
const names = pack.defined.map(({ name }) => name);

const tests = readdirSync(folder).filter((name) => name.endsWith('.test.yaml'));
const paths = tests.map((name) => join(folder, name));
const disk: TesterFiles = {
  read: (path) => readFile(path, 'utf8'),
  list: (path) => readdir(path),
  join,
  folderOf: dirname,
  nameOf: (path) => basename(path),
};

interface Case {
  readonly name: string;
  readonly event: unknown;
  readonly expect: string | readonly string[];
}
const cases = paths.flatMap((path) =>
  (parse(readFileSync(path, 'utf8')) as { cases: Case[] }).cases.map((one) => ({ ...one, file: path })),
);
const expected = ({ expect: rules }: Case): readonly string[] => [rules].flat().filter((rule) => rule !== 'none');

describe('the rule pack', () => {
  it('loads without error or warning, file by file', () => {
    expect(pack.diagnostics).toEqual([]);
    expect(pack.loads).toBe(true);
  });

  it('holds in its own tests', async () => {
    const bad: string[] = [];
    const loads: Loads = new Map();
    for (const path of paths) {
      for await (const { status, name, messages } of runTestFile(path, disk, () => 0, loads))
        if (status !== 'passed') bad.push(`${name}: ${messages.join('; ')}`);
    }
    expect(bad).toEqual([]);
  });

  it('has a match and a near miss of the same event for every rule', () => {
    const without = names.filter((rule) => {
      const matches = cases.filter((one) => expected(one).includes(rule));
      return !matches.some(({ event, file }) =>
        cases.some(
          (one) => one.name.startsWith('near miss') && one.file === file && sameEvent(one.event, event) && !expected(one).includes(rule),
        ),
      );
    });
    expect(without).toEqual([]);
    expect(cases.filter(({ name }) => name.startsWith('near miss')).length).toBeGreaterThanOrEqual(40);
  });

  it('has tests that decide its conditions, and notice faults put into them', async () => {
    const coverage = await measureCoverage(paths, disk);
    expect(coverage.decided / coverage.outcomes).toBeGreaterThanOrEqual(0.9);
    const { mutants, caught } = await runMutations(paths, disk);
    expect(caught / mutants).toBeGreaterThanOrEqual(0.94);
  }, 60_000);

  it('names the caller, the target, the outcome, and where the request came from in every alert', () => {
    const wanted = [
      '%ka.user.name',
      '%ka.target.name',
      '%ka.target.namespace',
      '%ka.verb',
      '%ka.response.code',
      '%ka.uri.param[dryRun]',
      '%jevt.value[/sourceIPs/0]',
      '%jevt.value[/responseObject/metadata/uid]',
      '%ka.impuser.name',
      '%ka.useragent',
      '%jevt.value[/user/extra/arn/0]',
      '%ka.auditid',
      '%ka.cluster.name',
    ];
    // A request without authentication has no caller.
    const nameless = ['Signal Unauthenticated Request', 'Invalid Credentials Presented'];
    const lacking = pack.defined
      .filter(({ name }) => name !== 'Tiercel Heartbeat')
      .flatMap(({ name, output }) =>
        wanted
          .filter((field) => !output.includes(field) && !(nameless.includes(name) && /user\.name|impuser/.test(field)))
          .map((field) => `${name}: ${field}`),
      );
    expect(lacking).toEqual([]);
  });

  it('says in every description what it means, and what to do', () => {
    const short = pack.defined.filter(({ description }) => description.split(/[.:;]\s/).length < 2).map(({ name }) => name);
    expect(short).toEqual([]);
  });

  it('carries the digest of all its other files in the heartbeat', () => {
    const others = loadRules(files.filter(({ name }) => !name.includes('heartbeat')));
    const heartbeat = pack.defined.find(({ name }) => name === 'Tiercel Heartbeat');
    expect(heartbeat?.tags).toContain(`pack-${others.digest}`);
  });
});

describe('the tuning page', () => {
  const page = readFileSync(join(root, 'docs/rules/tuning.md'), 'utf8');
  const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text!);

  it.each(examples.map((text, index) => [index + 1, text] as const))('has an example %i that loads after the pack', (_index, text) => {
    const { diagnostics } = loadRules([...files, { name: 'my-cluster.yaml', text }]);
    expect(diagnostics).toEqual([]);
  });

  it('names lists that exist', () => {
    const lists = new Set(files.flatMap(({ text }) => [...text.matchAll(/^- (?:list|macro): (\S+)$/gm)].map(([, name]) => name!)));
    expect([...page.matchAll(/`(tiercel_[a-z_]+)`/g)].map(([, name]) => name!).filter((name) => !lists.has(name))).toEqual([]);
    expect(examples.length).toBeGreaterThan(4);
  });
});

describe('the mapping', () => {
  it('has every rule of the pack and no other', () => {
    expect(Object.keys(mapping.rules).toSorted()).toEqual(names.toSorted());
    const misplaced = pack.defined.filter(({ name, place }) => `${mapping.rules[name]?.file}.yaml` !== place.file).map(({ name }) => name);
    expect(misplaced).toEqual([]);
  });

  it('agrees with the tags of the rules', () => {
    const differing = pack.defined
      .filter(({ name, tags }) => name !== 'Tiercel Heartbeat' && !mapping.rules[name]!.attack.every((id) => tags.includes(id)))
      .map(({ name }) => name);
    expect(differing).toEqual([]);
    const untagged = pack.defined
      .filter(({ name, tags }) => name !== 'Tiercel Heartbeat' && !tags.some((tag) => tag.startsWith('mitre_')))
      .map(({ name }) => name);
    expect(untagged).toEqual([]);
  });

  it('names a rule, or says why none, for every attack type and technique', () => {
    const known = new Set(names);
    const silent = Object.entries(mapping.attack_types).filter(([, { rule, why_none }]) => rule === undefined && why_none === undefined);
    const wrong = Object.values(mapping.attack_types).flatMap(({ rule }) => (rule === undefined || known.has(rule) ? [] : [rule]));
    expect([silent, wrong]).toEqual([[], []]);
    expect(mapping.techniques.map(({ id }) => id)).toEqual(Array.from({ length: 46 }, (_, index) => index + 1));
    const empty = mapping.techniques.filter(({ rules, why }) => rules.length === 0 && why === undefined);
    const unknown = mapping.techniques.flatMap(({ rules }) => rules).filter((rule) => !known.has(rule));
    expect([empty, unknown]).toEqual([[], []]);
  });

  it('says of every rule shipped with the plugin where it went, or why nowhere', () => {
    const rows = parse(readFileSync(join(folder, 'mapping/upstream.yaml'), 'utf8')) as { name: string; rules: string[]; why?: string }[];
    expect(rows).toHaveLength(48);
    expect(rows.filter(({ rules, why }) => rules.length === 0 && why === undefined)).toEqual([]);
    expect(rows.flatMap(({ rules }) => rules).filter((rule) => !names.includes(rule))).toEqual([]);
  });
});

/** Cases that start from the same named event; of those with an event of their own, any two. */
function sameEvent(one: unknown, other: unknown): boolean {
  return typeof one === 'string' ? one === other : typeof other !== 'string';
}
