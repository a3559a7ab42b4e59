import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const folder = resolve(import.meta.dirname, '../../../infra/guard');
const files = readdirSync(folder).filter((name) => name.endsWith('.guard'));

interface Sample {
  readonly name: string;
  readonly expectations: { readonly rules: Readonly<Record<string, 'PASS' | 'FAIL'>> };
}

// `.ci/guard` runs the samples; that none is missing can be seen without it.
describe.each(files)('the rules of %s', (file) => {
  const text = readFileSync(join(folder, file), 'utf8');
  const rules = [...text.matchAll(/^rule (\w+)/gm)].map(([, name]) => name!);
  const samples = parse(readFileSync(join(folder, 'tests', `${basename(file, '.guard')}_tests.yaml`), 'utf8')) as Sample[];

  it.each(rules)('%s has a template that passes and one that fails', (rule) => {
    const verdicts = samples.map(({ expectations }) => expectations.rules[rule]);
    expect(verdicts).toContain('PASS');
    expect(verdicts).toContain('FAIL');
  });

  it('say what is wrong: every rule has a message', () => {
    const bodies = text.split(/^rule /m).slice(1);
    expect(bodies.filter((body) => !body.includes('<<')).map((body) => body.split(/\s/)[0])).toEqual([]);
  });

  it('have samples for rules that exist', () => {
    const known = new Set(rules);
    expect(samples.flatMap(({ expectations }) => Object.keys(expectations.rules)).filter((rule) => !known.has(rule))).toEqual([]);
    expect(new Set(samples.map(({ name }) => name)).size).toBe(samples.length);
  });
});
