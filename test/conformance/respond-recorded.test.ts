import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openPolicies } from '../../cli/respond/policies.ts';
import { respondToAlerts } from '../../shared/flows/respond.ts';
import { respondInMemory } from '../../shared/flows/respond-in-memory.ts';
import { systemClock } from '../../shared/platform/clock.ts';
import { readTrigger } from '../../shared/respond/index.ts';

const root = resolve(import.meta.dirname, '../..');
const recording = resolve(root, '../shared/conformance/eks.alerts.all.appended.ndjson.gz');

/** As Falcosidekick would send them: a uuid of its own, and long fields cut once the payload exceeds 4,096 bytes. */
function asFalcosidekickSends(line: string): string {
  const alert = JSON.parse(line) as { output_fields: Record<string, unknown> };
  if (Buffer.byteLength(line) > 4096) {
    for (const [name, value] of Object.entries(alert.output_fields)) {
      if (typeof value === 'string' && Buffer.byteLength(value) > 512)
        alert.output_fields[name] = `${Buffer.from(value).subarray(0, 507).toString('utf8')}[...]`;
    }
  }
  return JSON.stringify({ uuid: 'e5c9a0a4-0000-4000-8000-000000000000', ...alert });
}

// A recording of real Falco that is not part of the project; without it there is nothing to hold the policies against.
describe.skipIf(!existsSync(recording))('the recorded alerts through the shipped policies', () => {
  it('throws nothing, plans nothing on a failed call, and answers as docs/respond/measured.md says', async () => {
    const set = await openPolicies([resolve(root, 'rules/respond')]);
    const lines = gunzipSync(readFileSync(recording)).toString('utf8').trim().split('\n').map(asFalcosidekickSends);
    const counts = new Map<string, { planned: number; refused: Map<string, number> }>();
    for (const body of lines) {
      const alert = JSON.parse(body) as { time: string; rule: string; output_fields: Record<string, unknown> };
      const clock = { ...systemClock, now: () => Date.parse(alert.time) + 2_000 };
      const [outcome] = await respondToAlerts(
        readTrigger({ Records: [{ eventSource: 'aws:sqs', messageId: 'm', body }] }),
        respondInMemory(set, clock),
        { killedAtMs: clock.now() + 1_000 },
      );
      if (outcome?.kind !== 'answered') throw new Error(`${outcome?.kind}: ${body}`);
      for (const { status, policy, action, rules, guards } of outcome.entries) {
        const key = `${rules[0]} | ${policy} | ${action}`;
        const count = counts.get(key) ?? { planned: 0, refused: new Map() };
        counts.set(key, count);
        if (status === 'planned') {
          expect(String(alert.output_fields['ka.response.code'])).toMatch(/^(2\d\d|101)$/);
          count.planned++;
          continue;
        }
        expect(status).toBe('refused');
        const by = guards.flatMap(({ guard, verdict }) => (verdict === 'refuse' ? [`\`${guard}\``] : [])).join(', ');
        count.refused.set(by, (count.refused.get(by) ?? 0) + 1);
      }
    }
    expect(lines).toHaveLength(1660);
    const rows = [...counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { planned, refused }]) => {
        const refusals = [...refused].sort(([a], [b]) => (a < b ? -1 : 1)).map(([by, count]) => `${count} by ${by}`);
        return `| ${key} | ${planned} | ${refusals.join('; ') || 'none'} |`;
      });
    const page = readFileSync(resolve(root, 'docs/respond/measured.md'), 'utf8');
    expect(page.split('\n').filter((line) => /^\| [A-Z]/.test(line))).toEqual(rows);
  });
});
