import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { alertToJson, createEvaluator, loadRules, readAppendOutput } from '../../shared/falco/engine/index.ts';

const shared = resolve(import.meta.dirname, '../../../shared');
const recorded = (name: string) =>
  gunzipSync(readFileSync(join(shared, name)))
    .toString()
    .trim()
    .split('\n');

/** Alerts that Falco 0.44.1 raised for the recorded cluster's events (`falco -c falco.yaml`, plugin k8saudit 0.18.0 reading the file, UTC). */
describe.skipIf(!existsSync(join(shared, 'conformance/eks.alerts.all.ndjson.gz')))('alerts of the recorded cluster', () => {
  const cases = [
    { name: 'first', ruleMatching: 'first', appended: false },
    { name: 'all', ruleMatching: 'all', appended: false },
    { name: 'all.appended', ruleMatching: 'all', appended: true },
  ] as const;
  for (const { name, ruleMatching, appended } of cases) {
    for (const preFilter of [true, false]) {
      it(`${name}, ${preFilter ? 'with' : 'without'} the pre-filter: the same lines`, () => {
        const { rules } = loadRules([{ name: 'rules', text: readFileSync(join(shared, 'conformance/k8s_audit_rules.yaml'), 'utf8') }]);
        const appendOutput = appended ? readAppendOutput(readFileSync(join(shared, 'conformance/append_output.yaml'), 'utf8')) : [];
        const evaluator = createEvaluator(rules, { ruleMatching, appendOutput, hostname: 'vm', preFilter });
        const events = recorded('audit/eks.ndjson.gz');
        const lines = events.flatMap((event) => {
          const verdict = evaluator.evaluate(Buffer.from(event));
          return verdict.kind === 'evaluated' ? verdict.alerts.map(alertToJson) : [];
        });
        expect(lines).toEqual(recorded(`conformance/eks.alerts.${name}.ndjson.gz`));
        if (preFilter) {
          const dropped = Object.values(evaluator.preFilter.stats.dropped).reduce((sum, count) => sum + count, 0);
          expect(dropped / events.length).toBeGreaterThanOrEqual(0.75);
        }
      });
    }
  }
});
