import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { acknowledge } from '../../../../functions/respond/acknowledge.ts';
import { type MacKey, prepare } from '../../../../shared/audit/index.ts';
import type { FalcoAlert } from '../../../../shared/falco/alert.ts';
import { alertToJson } from '../../../../shared/falco/engine/index.ts';
import { openEngine } from '../../../../shared/flows/detection.ts';
import { heartbeatEvent, newBeat } from '../../../../shared/flows/heartbeat-event.ts';
import { createMemoryHeartbeats } from '../../../../shared/flows/heartbeats.ts';
import { type RespondDeps, respondToAlerts } from '../../../../shared/flows/respond.ts';
import { systemRandom } from '../../../../shared/platform/clock.ts';
import { readTrigger } from '../../../../shared/respond/index.ts';
import { LEASE_MS, MAC_KEY, responder, testClock } from '../../../support/responder.ts';
import { folder, root } from '../../rules/pack.ts';

const { engine } = openEngine({ rules: [folder], appendOutput: `${root}/rules/append-output.yaml` }, 'engine');
const START_MS = Date.parse('2026-11-21T08:00:00Z');
/** A policy that would speak of a heartbeat, if it were let. */
const GREEDY = `- policy: greedy\n  description: It wants all.\n  match: { rules: [Tiercel Heartbeat] }\n  actions: [{ action: isolate-pod }]\n`;

/** The event of a beat on its way through ingest: every alert that the pack raises for it. */
function alertsFor(event: string, cluster: string, mac: MacKey | undefined = MAC_KEY): readonly FalcoAlert[] {
  const record = {
    raw: Buffer.from(event),
    origin: { kind: 'object', bucket: 'b', key: 'k', offset: 0 } as const,
    identity: { cluster, account: '111111111111', region: 'eu-central-1' },
  };
  const prepared = prepare(record, mac ? { mac } : {}, { maxEventBytes: 262_144 });
  if (prepared.kind !== 'record' || prepared.reduced || prepared.salvaged) throw new Error('the event of a beat is whole');
  const verdict = engine.evaluate(prepared.record.raw);
  return verdict.kind === 'evaluated' ? verdict.alerts : [];
}

function scene(more: Partial<RespondDeps> = {}) {
  const clock = testClock(START_MS);
  const heartbeats = createMemoryHeartbeats();
  const readings: [string, number, string | undefined][] = [];
  const deps: RespondDeps = {
    ...responder({ clock, client: undefined, policies: '[]' }),
    heartbeats,
    meter: { record: (name, value, by) => void readings.push([name, value, by]) },
    ...more,
  };
  return {
    clock,
    heartbeats,
    readings: () => readings.filter(([name]) => name.startsWith('Heartbeat')),
    known: async (cluster: string) => (await heartbeats.read()).get(cluster)?.returned,
    /** Sends a beat; resolves to its alert, which is the only one. */
    beat: async (cluster: string, mac?: MacKey) => {
      const beat = newBeat(systemRandom, clock.now());
      await heartbeats.sent(cluster, beat);
      const [alert, ...others] = alertsFor(heartbeatEvent(beat), cluster, mac);
      expect(others).toEqual([]);
      return alert!;
    },
    respond: async (event: unknown) => {
      const outcomes = await respondToAlerts(readTrigger(event), deps, { killedAtMs: clock.now() + LEASE_MS });
      return {
        outcomes,
        answer: acknowledge(outcomes),
        answers: outcomes.map((one) => (one.kind === 'heartbeat' ? one.answer : one.kind)),
      };
    },
  };
}

const json = (alert: FalcoAlert) => JSON.parse(alertToJson(alert)) as object;
const sqs = (...alerts: FalcoAlert[]) => ({
  Records: alerts.map((alert, at) => ({ eventSource: 'aws:sqs', messageId: `m${at}`, body: alertToJson(alert) })),
});

describe('the event of a beat', () => {
  it('raises the heartbeat’s alert and no other of the pack', () => {
    const alerts = alertsFor(heartbeatEvent(newBeat(systemRandom, START_MS)), 'prod');
    expect(alerts.map(({ rule }) => rule)).toEqual(['Tiercel Heartbeat']);
  });
});

describe('a beat that comes back', () => {
  it('is noted down with its digest and the time it took, whatever brought it', async () => {
    const { clock, beat, respond, known } = scene();
    const triggers: readonly ((alert: FalcoAlert) => unknown)[] = [
      json,
      (alert) => sqs(alert),
      (alert) => ({ Records: [{ EventSource: 'aws:sns', Sns: { MessageId: 'm', Message: alertToJson(alert) } }] }),
      (alert) => {
        const delivery = { messageType: 'DATA_MESSAGE', logGroup: 'falco', logEvents: [{ id: '1', message: alertToJson(alert) }] };
        return { awslogs: { data: gzipSync(JSON.stringify(delivery)).toString('base64') } };
      },
    ];
    const expected = /pack-([0-9a-f]{64})/.exec(JSON.stringify((await beat('prod')).tags))?.[1];
    for (const trigger of triggers) {
      const alert = await beat('prod');
      clock.advance(7_000);
      expect((await respond(trigger(alert))).answers).toEqual([{ kind: 'noted', cluster: 'prod', roundTripMs: 7_000, digest: expected }]);
      expect(await known('prod')).toMatchObject({ roundTripMs: 7_000, digest: expected });
    }
  });

  it('is measured by cluster, and its digest compared with those that the stage names', async () => {
    const digest = 'e'.repeat(64);
    const { beat, respond, readings } = scene({ rulesDigests: [digest] });
    const alert = await beat('prod');
    expect((await respond(json(alert))).answers).toMatchObject([{ differs: true }]);
    const other = await beat('web');
    expect((await respond(json({ ...other, tags: [`pack-${digest}`] }))).answers).toMatchObject([{ differs: false }]);
    expect(readings().filter(([name]) => name !== 'HeartbeatRoundTrip')).toEqual([
      ['HeartbeatsReturned', 1, 'prod'],
      ['HeartbeatsDiffering', 1, undefined],
      ['HeartbeatsReturned', 1, 'web'],
      ['HeartbeatsDiffering', 0, undefined],
    ]);
  });

  it('differs when it names no digest, or more than one', async () => {
    const { clock, beat, respond, known } = scene({ rulesDigests: ['e'.repeat(64)] });
    for (const tags of [undefined, [], ['heartbeat'], [`pack-${'e'.repeat(64)}`, `pack-${'f'.repeat(64)}`]]) {
      clock.advance(1_000);
      const { tags: _, ...alert } = await beat('prod');
      expect((await respond(json(tags ? { ...alert, tags } : alert))).answers).toMatchObject([{ kind: 'noted', differs: true }]);
      expect(await known('prod')).not.toHaveProperty('digest');
    }
  });

  it('is no policy’s business: nothing is planned, nothing is journalled, whatever the mode', async () => {
    for (const ceiling of ['enforce', 'shadow', 'off'] as const) {
      const { beat, respond } = scene({ ...responder({ clock: testClock(START_MS), client: undefined, policies: GREEDY }), ceiling });
      const { outcomes, answer } = await respond(json(await beat('prod')));
      expect(outcomes.map(({ kind }) => kind)).toEqual(['heartbeat']);
      expect(answer).toMatchObject({ responses: [], alerts: { heartbeat: 1, answered: 0 } });
    }
  });

  it('costs its neighbours nothing when it cannot be noted down, and comes again', async () => {
    const throttled = {
      sent: async () => {},
      returned: async () => {
        throw new Error('throttled');
      },
    };
    const { beat, respond } = scene({ heartbeats: throttled });
    const { answer } = await respond(sqs(await beat('prod'), { ...(await beat('web')), rule: 'Another' }));
    expect(answer).toMatchObject({ batchItemFailures: [{ itemIdentifier: 'm0' }], alerts: { answered: 1, failed: 1 } });
  });
});

describe('what proves nothing is set aside:', () => {
  const setAside = (why: RegExp, doubtful = false) => [{ kind: 'set-aside', why: expect.stringMatching(why), doubtful }];

  it('a second delivery of the same alert', async () => {
    const { clock, beat, respond, known, readings } = scene();
    const alert = await beat('prod');
    await respond(json(alert));
    clock.advance(60_000);
    expect((await respond(json(alert))).answers).toEqual(setAside(/no news/));
    expect(await known('prod')).toMatchObject({ roundTripMs: 0 });
    expect(readings().map(([name]) => name)).toEqual(['HeartbeatsReturned', 'HeartbeatRoundTrip', 'HeartbeatsSetAside']);
  });

  it('an alert without a MAC, with another’s, or moved to another cluster or time', async () => {
    const { beat, respond } = scene();
    const stranger = { id: 'test', secret: Buffer.alloc(32, 9) };
    const alert = await beat('prod');
    const changed = (fields: Record<string, string>) => json({ ...alert, output_fields: { ...alert.output_fields, ...fields } });
    const forged = [
      json((await beat('prod', stranger))!),
      changed({ 'tiercel.mac': '<NA>' }),
      changed({ 'ka.cluster.name': 'web' }),
      changed({ 'ka.auditid': 'tiercel-heartbeat-0' }),
      changed({ 'tiercel.received': new Date(START_MS + 1).toISOString() }),
    ];
    for (const event of forged) expect((await respond(event)).answers).toEqual(setAside(/MAC does not verify/, true));
    expect((await respond(changed({ 'ka.auditid': '<NA>' }))).answers).toEqual(setAside(/ka\.auditid/, true));
  });

  it('a beat that nobody sent, though its event went through the log', async () => {
    const { respond } = scene();
    const [alert] = alertsFor(heartbeatEvent(newBeat(systemRandom, START_MS)), 'prod');
    expect((await respond(json(alert!))).answers).toEqual(setAside(/did not send it/));
  });

  it('a beat of long ago, as a replay of the log brings it back', async () => {
    const { clock, beat, respond } = scene();
    const alert = await beat('prod');
    clock.advance(15 * 60_000);
    expect((await respond(json(alert))).answers).toEqual(setAside(/sent 900 s ago/));
  });

  it('any, where no heartbeat is sent', async () => {
    const { beat, respond } = scene();
    const alert = await beat('prod');
    const { heartbeats: _, ...without } = responder({ clock: testClock(START_MS), client: undefined, policies: '[]' });
    const [outcome] = await respondToAlerts(readTrigger(json(alert)), without, { killedAtMs: START_MS + LEASE_MS });
    expect(outcome).toMatchObject({ kind: 'heartbeat', answer: { kind: 'set-aside' } });
    expect((await respond(json({ ...alert, source: 'syscall' }))).answers).toEqual(['answered']);
  });
});
