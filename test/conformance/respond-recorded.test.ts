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
  it('throws nothing, plans nothing on a failed call, and answers every alert a policy speaks of', async () => {
    const set = await openPolicies([resolve(root, 'rules/respond')]);
    const lines = gunzipSync(readFileSync(recording)).toString('utf8').trim().split('\n').map(asFalcosidekickSends);
    const counts: Record<string, number> = {};
    for (const body of lines) {
      const alert = JSON.parse(body) as { time: string; rule: string; output_fields: Record<string, unknown> };
      const clock = { ...systemClock, now: () => Date.parse(alert.time) + 2_000 };
      const [outcome] = await respondToAlerts(
        readTrigger({ Records: [{ eventSource: 'aws:sqs', messageId: 'm', body }] }),
        respondInMemory(set, clock),
        { killedAtMs: clock.now() + 1_000 },
      );
      if (outcome?.kind !== 'answered') throw new Error(`${outcome?.kind}: ${body}`);
      for (const { status, policy, action, rules } of outcome.entries) {
        const key = `${rules[0]} → ${policy}, ${action}: ${status}`;
        counts[key] = (counts[key] ?? 0) + 1;
        if (status === 'planned') expect(String(alert.output_fields['ka.response.code'])).toMatch(/^(2\d\d|101)$/);
      }
    }
    expect(lines).toHaveLength(1660);
    expect(counts).toMatchInlineSnapshot(`
      {
        "Attach to cluster-admin Role → remove-cluster-admin-binding, delete-binding: planned": 4,
        "Attach to cluster-admin Role → remove-cluster-admin-binding, delete-binding: refused": 1,
        "Attach/Exec Pod → isolate-pod-after-shell, capture-evidence: planned": 14,
        "Attach/Exec Pod → isolate-pod-after-shell, capture-evidence: refused": 3,
        "Attach/Exec Pod → isolate-pod-after-shell, isolate-pod: planned": 14,
        "Attach/Exec Pod → isolate-pod-after-shell, isolate-pod: refused": 3,
        "Create HostNetwork Pod → mark-escaping-pod, label: planned": 4,
        "Create HostPid Pod → mark-escaping-pod, label: planned": 4,
        "Create HostPid Pod → mark-escaping-pod, label: refused": 9,
        "Create Privileged Pod → mark-escaping-pod, label: planned": 13,
        "Create Privileged Pod → mark-escaping-pod, label: refused": 9,
      }
    `);
  });
});
