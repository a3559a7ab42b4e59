import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createEvaluator, loadRules } from '../../shared/falco/engine/index.ts';
import { expectRecorded, strayGaps } from './known-gaps.ts';

interface Recorded {
  readonly name: string;
  readonly files: readonly string[];
  readonly loads: boolean;
  readonly codes?: readonly string[];
  /** Not recorded for what does not load. */
  readonly alerts?: readonly string[];
  readonly matching?: 'first' | 'all';
}

interface OwnCases {
  readonly event: unknown;
  readonly rule: string;
  readonly cases: readonly (Recorded & { readonly with?: 'rule' })[];
}

/** What the engine makes of a case, in the shape of the record. */
function verdictOf({ files, matching, alerts }: Recorded, event: Uint8Array): unknown {
  const loaded = loadRules(files.map((text, index) => ({ name: `${index + 1}.yaml`, text })));
  const verdict = createEvaluator(loaded.rules, { ruleMatching: matching ?? 'all' }).evaluate(event);
  return {
    loads: loaded.loads,
    codes: loaded.diagnostics.map(({ code }) => code).sort(),
    ...(alerts && { alerts: verdict.kind === 'evaluated' ? verdict.alerts.map(({ rule }) => rule) : [] }),
  };
}

function recorded({ loads, codes, alerts }: Recorded): unknown {
  return { loads, codes: [...(codes ?? [])].sort(), ...(alerts && { alerts }) };
}

describe('rules files', () => {
  const own = parse(readFileSync(join(import.meta.dirname, 'cases/loader.yaml'), 'utf8')) as OwnCases;
  const event = Buffer.from(JSON.stringify(own.event));
  it('has no gap without a case', () =>
    expect(
      strayGaps(
        'loader',
        own.cases.map(({ name }) => `loader/${name}`),
      ),
    ).toEqual([]));
  for (const one of own.cases) {
    const [first = '', ...rest] = one.files;
    const whole = one.with ? { ...one, files: [own.rule + first, ...rest] } : one;
    it(one.name, () => expectRecorded(`loader/${one.name}`, verdictOf(whole, event), recorded(one)));
  }
});

const shared = resolve(import.meta.dirname, '../../../shared/conformance');

describe.skipIf(!existsSync(shared))('rules files, as recorded beside the project', () => {
  const read = <T>(name: string): T => JSON.parse(readFileSync(join(shared, name), 'utf8')) as T;
  const { cases } = existsSync(shared)
    ? read<{ cases: readonly (Recorded & { rule_matching: 'first' | 'all'; diagnostics: readonly { code: string }[] })[] }>(
        'loader-cases.json',
      )
    : { cases: [] };
  const event = existsSync(shared) ? Buffer.from(read<{ events: { E0: string } }>('filter-cases.json').events.E0) : Buffer.of();
  cases.forEach((one, index) => {
    const record = { ...one, matching: one.rule_matching, codes: one.diagnostics.map(({ code }) => code) };
    it(`${index + 1} ${one.name}`, () => expectRecorded(`shared-loader/${index + 1}`, verdictOf(record, event), recorded(record)));
  });
});
