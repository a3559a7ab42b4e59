import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const folder = resolve(import.meta.dirname, '../../../infra/firelens');
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

/** Keys of what is used here, in lower case, which Fluent Bit does not tell apart (manual of Fluent Bit 4.2). */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  service: ['flush', 'grace', 'log_level'],
  'filter grep': ['regex', 'exclude', 'logical_op'],
  'filter modify': ['set', 'add', 'rename', 'remove', 'condition'],
  'filter multiline': ['multiline.key_content', 'mode', 'buffer', 'flush_ms', 'emitter_mem_buf_limit'],
  'output cloudwatch_logs': [
    'region',
    'log_group_name',
    'log_stream_prefix',
    'log_stream_name',
    'auto_create_group',
    'retry_limit',
    'log_key',
    'workers',
  ],
};

interface Section {
  readonly what: string;
  readonly entries: readonly (readonly [key: string, value: string])[];
}

/** Fluent Bit's classic form: `[SECTION]`, then one `key value` a line. @throws Error naming the line that is neither */
function sectionsOf(text: string): Section[] {
  const sections: { name: string; entries: [string, string][] }[] = [];
  for (const line of text.split('\n')) {
    if (/^\s*(#|$)/.test(line)) continue;
    const head = /^\s*\[(\w+)\]\s*$/.exec(line)?.[1];
    const [, key, value] = /^\s+(\S+)\s+(.*\S)\s*$/.exec(line) ?? [];
    if (head !== undefined) sections.push({ name: head.toLowerCase(), entries: [] });
    else if (key === undefined || sections.length === 0) throw new Error(`neither a section nor an entry: ${line}`);
    else sections.at(-1)!.entries.push([key.toLowerCase(), value!]);
  }
  return sections.map(({ name, entries }) => ({
    what: [name, entries.find(([key]) => key === 'name')?.[1]].filter(Boolean).join(' '),
    entries,
  }));
}

function faults(sections: readonly Section[]): string[] {
  return sections.flatMap(({ what, entries }) => {
    const known = KNOWN[what];
    if (known === undefined) return [`${what}: unknown`];
    const common = what === 'service' ? [] : ['name', 'match'];
    const missing = common.filter((key) => !entries.some(([name]) => name === key));
    return [
      ...missing.map((key) => `${what}: no ${key}`),
      ...entries.filter(([key]) => !known.includes(key) && !common.includes(key)).map(([key]) => `${what}: ${key}`),
    ];
  });
}

/** What the grep filters let through, judged by the text of `log`. */
function passes(sections: readonly Section[], log: string): boolean {
  return sections
    .filter(({ what }) => what === 'filter grep')
    .flatMap(({ entries }) => entries)
    .every(([key, value]) => {
      const matches = new RegExp(/^log (.*)$/.exec(value)?.[1] ?? '(?!)').test(log);
      return key === 'regex' ? matches : key === 'exclude' ? !matches : true;
    });
}

const ALERT =
  '{"hostname":"node-1","output":"said \\"source\\":\\"k8s_audit\\"","output_fields":{},"priority":"Notice","rule":"Terminal shell in container","source":"syscall"}';

describe.each([
  { name: 'fluent-bit.conf', text: read('fluent-bit.conf') },
  { name: 'the filters in eks.yaml', text: parse(read('eks.yaml')).additionalFilters as string },
])('$name', ({ name, text }) => {
  const sections = sectionsOf(text);

  it('says what Fluent Bit knows', () => {
    expect(faults(sections)).toEqual([]);
  });

  it('lets alerts of nodes through, and not what Falco says about itself', () => {
    expect(passes(sections, ALERT)).toBe(true);
    expect(passes(sections, 'Sat Nov 21 08:20:00 2026: Loading rules from file /etc/falco/falco_rules.yaml')).toBe(false);
    // Fluent Bit of the audit fleet's own cluster may read its log as well.
    if (name !== 'fluent-bit.conf') expect(passes(sections, ALERT.replace('"syscall"', '"k8s_audit"'))).toBe(false);
  });
});

it('a long line is whole before it is looked at', () => {
  const filters = sectionsOf(read('fluent-bit.conf')).filter(({ what }) => what.startsWith('filter'));
  expect(filters[0]).toMatchObject({ what: 'filter multiline', entries: expect.arrayContaining([['mode', 'partial_message']]) });
});

it('a misspelt key is found', () => {
  expect(faults(sectionsOf('[OUTPUT]\n  Name cloudwatch_logs\n  Match *\n  log_group falco\n'))).toEqual([
    'output cloudwatch_logs: log_group',
  ]);
  expect(faults(sectionsOf('[FILTER]\n  Name grepp\n'))).toEqual(['filter grepp: unknown']);
  expect(() => sectionsOf('[OUTPUT\n')).toThrow('[OUTPUT');
});
