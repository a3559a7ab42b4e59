import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Priority } from '../../../shared/falco/alert.ts';
import { createEvaluator, loadRules } from '../../../shared/falco/engine/index.ts';
import { packFiles, readMapping, root } from './pack.ts';

const recording = resolve(root, '../shared/audit/eks.ndjson.gz');
const labels = resolve(root, '../shared/audit/eks.labels.ndjson');
const { attack_types: types } = readMapping();

/** An event and the type of attack it belongs to; without one it is the ordinary traffic of a cluster. */
interface Recorded {
  readonly type?: string;
  readonly text: string;
}

/** Names of the rules that fire, per event, at a priority and above. */
function alerts(
  events: readonly Recorded[],
  minPriority: Priority = 'Notice',
): readonly { readonly type: string | undefined; readonly rules: readonly string[] }[] {
  const evaluator = createEvaluator(loadRules(packFiles(), { minPriority }).rules, { ruleMatching: 'all', preFilter: false });
  return events.map(({ type, text }) => {
    const verdict = evaluator.evaluate(Buffer.from(text));
    return { type, rules: verdict.kind === 'evaluated' ? verdict.alerts.map(({ rule }) => rule) : [] };
  });
}

/** Attack types no alert of the rule meant for them names. */
function unnamed(found: ReturnType<typeof alerts>): readonly string[] {
  const attacks = [...new Set(found.flatMap(({ type }) => (type === undefined || type.startsWith('benign-') ? [] : [type])))];
  return attacks.filter((type) => !found.some((one) => one.type === type && one.rules.includes(types[type]?.rule ?? '')));
}

const own = readFileSync(join(import.meta.dirname, 'recorded-events.ndjson'), 'utf8')
  .trim()
  .split('\n')
  .map((line): Recorded => {
    const { type, event } = JSON.parse(line) as { type?: string; event: unknown };
    return { ...(type !== undefined && { type }), text: JSON.stringify(event) };
  });

/** Why a type may stay without an alert at NOTICE or above: the event does not show it, or it is everyday work. */
const excused = Object.entries(types)
  .filter(([, { why_none, below_notice }]) => why_none ?? below_notice)
  .map(([type]) => type);

describe('one event of each type, and of each kind of traffic', () => {
  const found = alerts(own);

  it('has each attack named by the rule the table names, but for those it excuses', () => {
    expect(unnamed(found).filter((type) => !excused.includes(type))).toEqual([]);
  });

  it('has the everyday ones named below the threshold', () => {
    const below = Object.keys(types).filter((type) => types[type]?.below_notice);
    const all = alerts(
      own.filter(({ type }) => type !== undefined && below.includes(type)),
      'Informational',
    );
    expect(unnamed(all)).toEqual([]);
    expect(below.length).toBeGreaterThan(0);
  });

  it('is silent about what is benign, and about the components of a cluster', () => {
    const loud = found.flatMap(({ type, rules }, index) =>
      type === undefined || type.startsWith('benign-') ? rules.map((rule) => `${rule}: ${own[index]!.text.slice(0, 300)}`) : [],
    );
    // A Secret of that type made the token controller write a token: this trace is what the rule is for.
    expect(loud.filter((one) => !one.startsWith('Long-lived Service Account Token Issued'))).toEqual([]);
  });
});

const missing = existsSync(recording)
  ? undefined
  : 'not run: the recording does not lie beside this checkout (../shared/audit/eks.ndjson.gz)';

describe('a recorded cluster under attack', () => {
  it.skipIf(missing !== undefined)(
    `names the attacks and leaves ordinary traffic alone${missing === undefined ? '' : ` (${missing})`}`,
    () => {
      const typeOf = new Map(
        readFileSync(labels, 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as { auditID: string; attack: string })
          .map(({ auditID, attack }) => [auditID, attack]),
      );
      const events = gunzipSync(readFileSync(recording))
        .toString()
        .trim()
        .split('\n')
        .map((text): Recorded => {
          const type = typeOf.get((JSON.parse(text) as { auditID: string }).auditID);
          return { ...(type !== undefined && { type }), text };
        });
      const found = alerts(events);
      const attacks = new Set(found.flatMap(({ type }) => (type === undefined || type.startsWith('benign-') ? [] : [type])));
      expect(attacks.size).toBe(90);
      expect(unnamed(found).toSorted()).toEqual(excused.filter((type) => attacks.has(type)).toSorted());
      expect(attacks.size - unnamed(found).length).toBeGreaterThanOrEqual(82);
      const onOrdinary = found.filter(({ type }) => type === undefined).flatMap(({ rules }) => rules);
      expect(onOrdinary.length).toBeLessThanOrEqual(65);
      expect(found.filter(({ type }) => type?.startsWith('benign-')).flatMap(({ rules }) => rules)).toEqual([]);
    },
  );
});
