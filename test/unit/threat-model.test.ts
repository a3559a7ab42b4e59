import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/operate/threat-model.md'), 'utf8');

/** Statements of the roles, and of the files they include. */
const sources = [
  ...readdirSync(join(root, 'functions')).map((folder) => `functions/${folder}/role.yml`),
  ...readdirSync(join(root, 'infra/resources'))
    .filter((name) => /-statements?\.yml$/.test(name))
    .map((name) => `infra/resources/${name}`),
];

describe('the threat model', () => {
  it.each(sources)('speaks of every statement in %s', (file) => {
    const sids = [...readFileSync(join(root, file), 'utf8').matchAll(/Sid: (\w+)/g)].map(([, sid]) => sid!);
    expect(sids.length).toBeGreaterThan(0);
    expect(sids.filter((sid) => !page.includes(`\`${sid}\``))).toEqual([]);
  });

  it('speaks of no statement that is gone', () => {
    const text = sources.map((file) => readFileSync(join(root, file), 'utf8')).join('\n');
    const table = page.slice(page.indexOf('## What a stolen role is worth'), page.indexOf('## Data'));
    const named = [...table.matchAll(/`([A-Z][a-z]+[A-Za-z]+)`/g)].map(([, name]) => name!).filter((name) => name !== 'PassRole');
    expect(named.filter((name) => !text.includes(`Sid: ${name}`))).toEqual([]);
  });

  it('answers thirty questions, and names rules that exist', () => {
    const numbers = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: 30 }, (_, at) => at + 1));
    const rules = readdirSync(join(root, 'infra/guard'))
      .filter((name) => name.endsWith('.guard'))
      .map((name) => readFileSync(join(root, 'infra/guard', name), 'utf8'))
      .join('\n');
    const questions = page.slice(page.indexOf('## Thirty questions'));
    const named = [...questions.matchAll(/`([a-z]+(?:_[a-z]+)+_?…?[a-z_]*)`/g)].map(([, name]) => name!);
    expect(named.length).toBeGreaterThanOrEqual(15);
    for (const name of named) expect(rules, name).toMatch(new RegExp(`^rule ${name.replace('…', '\\w+')}\\b`, 'm'));
  });
});
