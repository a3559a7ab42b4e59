import { describe, expect, it } from 'vitest';
import { acknowledge } from '../../../../functions/heartbeat/acknowledge.ts';
import { type HeartbeatTarget, type SendDeps, sendHeartbeats } from '../../../../shared/flows/heartbeat-send.ts';
import { createMemoryHeartbeats } from '../../../../shared/flows/heartbeats.ts';
import { systemRandom } from '../../../../shared/platform/clock.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

const targets: readonly HeartbeatTarget[] = [
  { cluster: 'a', logGroup: '/aws/eks/a/cluster', region: 'eu-central-1' },
  { cluster: 'b', logGroup: '/aws/eks/b/cluster', region: 'us-east-1' },
  { cluster: 'c', prefix: 'audit/222222222222/eu-west-1/c/' },
];

function scene(write: SendDeps['write'], heartbeats: SendDeps['heartbeats'] = createMemoryHeartbeats()) {
  const clock = new VirtualClock();
  const readings: [string, number][] = [];
  const meter = { record: (name: string, value: number) => void readings.push([name, value]) };
  const send = () => clock.run(sendHeartbeats(targets, { clock, random: systemRandom, heartbeats, write, meter }));
  return { clock, readings, send };
}

describe('a round of beats', () => {
  it('notes each down before it writes it, under the id that its event carries', async () => {
    const heartbeats = createMemoryHeartbeats();
    const written: [string, string][] = [];
    const { send, clock } = scene(async ({ cluster }, event, { id, sentAtMs }) => {
      expect((await heartbeats.read()).get(cluster)).toEqual({ cluster, sentAtMs });
      const { auditID, annotations, requestReceivedTimestamp, stageTimestamp } = JSON.parse(event);
      expect([auditID, annotations['tiercel.dev/heartbeat']]).toEqual([id, id]);
      expect([Date.parse(requestReceivedTimestamp), Date.parse(stageTimestamp)]).toEqual([sentAtMs, clock.now()]);
      written.push([cluster, id]);
    }, heartbeats);
    const beats = await send();
    expect(beats.map((beat) => ('sent' in beat ? [beat.cluster, beat.sent.id] : beat.failed))).toEqual(written);
    expect(new Set(written.map(([, id]) => id)).size).toBe(3);
  });

  it('goes on for the others when one cannot be written, or hangs', async () => {
    const { send, readings, clock } = scene(async ({ cluster }) => {
      if (cluster === 'a') throw new Error('The specified log group does not exist.');
      if (cluster === 'b') await new Promise(() => {});
    });
    const startedMs = clock.now();
    expect(await send()).toMatchObject([
      { cluster: 'a', failed: 'The specified log group does not exist.' },
      { cluster: 'b', failed: expect.stringContaining('within 10 s') },
      { cluster: 'c', sent: {} },
    ]);
    expect(clock.now() - startedMs).toBe(10_000);
    expect(readings).toEqual([
      ['HeartbeatsFailed', 1],
      ['HeartbeatsFailed', 1],
      ['HeartbeatsSent', 1],
    ]);
  });

  it('writes nothing that it could not note down: nobody would know it when it comes back', async () => {
    const written: string[] = [];
    const away = {
      sent: async () => {
        throw new Error('throttled');
      },
    };
    const { send } = scene(async ({ cluster }) => void written.push(cluster), away);
    expect((await send()).every((beat) => 'failed' in beat)).toBe(true);
    expect(written).toEqual([]);
  });
});

describe('the answer of an invocation', () => {
  const lines: unknown[] = [];
  const logger = { error: (...line: unknown[]) => void lines.push(line) } as never;
  const sent = { cluster: 'a', sent: { id: 'i', sentAtMs: 0 } };
  const failed = { cluster: 'b', failed: 'no such group' };

  it('is good when some were sent, and says which were not', () => {
    expect(acknowledge([sent, failed], logger)).toEqual({ sent: ['a'], failed: ['b'] });
    expect(JSON.stringify(lines)).toContain('no such group');
    expect(acknowledge([], logger)).toEqual({ sent: [], failed: [] });
  });

  it('is a failure when none was: Lambda tries once more', () => {
    expect(() => acknowledge([failed], logger)).toThrow('none did: no such group');
  });
});
