import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const tiercel = (...args: readonly string[]) =>
  promisify(execFile)(process.execPath, ['cli/main.ts', ...args], {
    cwd: root,
    env: { PATH: process.env.PATH, AWS_EC2_METADATA_DISABLED: 'true' },
  });

describe('tiercel demo', () => {
  it('takes real events through decode, rules and policies, and says what happened', async () => {
    const { stdout, stderr } = await tiercel('demo', '--json');
    const result = JSON.parse(stdout) as {
      ingest: Record<string, number>;
      alerts: { rule: string }[];
      responses: { status: string; intent: string; against: string[] }[];
      tookMs: number;
    };
    expect(stderr).toBe('');
    expect(result.ingest).toMatchObject({ received: 17, delivered: 17, dropped: 0, spooled: 0, quarantined: 0, skipped: 0 });
    expect(result.alerts.map(({ rule }) => rule)).toEqual(
      expect.arrayContaining([
        'Binding to cluster-admin Created or Changed',
        'Privileged Pod Created',
        'Suspicious Exec Command',
        'aws-auth Grants Administrator',
      ]),
    );
    const binding = result.responses.find(({ intent }) => intent.startsWith('delete clusterrolebindings'))!;
    expect(binding).toMatchObject({ status: 'planned', intent: expect.stringContaining(' pwn-43, uid ') as never });
    // The stamp made by ingest verifies in respond; only what needs a cluster is open.
    expect(binding.against.map((guard) => guard.split(':')[0])).toEqual(['same-object', 'within-budget']);
    expect(result.tookMs).toBeLessThan(15_000);
  });

  it('prints the same for people, without colour where nobody looks', async () => {
    const { stdout } = await tiercel('demo');
    expect(stdout).toContain('Suspicious Exec Command');
    expect(stdout).toContain('planned: delete clusterrolebindings');
    expect(stdout).not.toContain('\u001b');
  });
});
