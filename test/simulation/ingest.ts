import { gunzipSync } from 'node:zlib';
import type { Logger } from '@aws-lambda-powertools/logger';
import type { SQSBatchResponse } from 'aws-lambda';
import { acknowledge as acknowledgeObjects } from '../../functions/audit-archive/acknowledge.ts';
import { acknowledge as acknowledgeDelivery } from '../../functions/audit-stream/acknowledge.ts';
import { prepare, restamp } from '../../shared/audit/index.ts';
import { createWebhookDestination, parseWebhookConfig } from '../../shared/falco/client/index.ts';
import { ingestDelivery } from '../../shared/flows/ingest-delivery.ts';
import type { Tally } from '../../shared/flows/outcome.ts';
import { writeSpool } from '../../shared/flows/spool.ts';
import { sweepSpool } from '../../shared/flows/sweep.ts';
import type { ObjectAddress } from '../../shared/platform/aws/s3.ts';
import { type Invocation, SimulatedFalco } from './falco.ts';
import { type Input, idsIn, makeInput } from './input.ts';
import { SeededRandom } from './random.ts';
import { Bucket, CheckpointsTable, ClaimsTable, readerOf } from './services.ts';
import { AsyncInvoker, type Environment, Lambda, Queue } from './triggers.ts';
import { type Faults, NO_FAULTS, type Process, World } from './world.ts';

const MINUTE = 60_000;
const INPUT_MS = 30 * MINUTE;
const FAULTS_MS = 45 * MINUTE;
/**
 * A message waits 15 minutes at most between two tries, and a lost invocation shows after 12. An object that nobody was told of is found by the
 * sweep once it is an hour old and has its turn, within six more; then it may be delivered like any other.
 */
const DRAIN_MS = 10 * 60 * MINUTE;
const SWEEP_MS = 15 * MINUTE;

const SPOOL = 'spool/';
const FAILED = 'aws/lambda/async/';
const QUARANTINE = 'quarantine/';

export interface RunReport {
  readonly seed: number;
  /** What must hold and does not. Empty: the run is fine. */
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  readonly stats: {
    readonly events: number;
    readonly bodies: number;
    /** Events Falco got more than once, all of them after an answer or a confirmation was lost. */
    readonly twice: number;
    readonly deaths: number;
    readonly condemned: number;
    readonly virtualMinutes: number;
  };
}

/** A lie one of the services tells, to see that the simulation finds it out. */
export type Lie =
  | 'claims are not confirmed'
  | 'the spool keeps nothing'
  | 'nothing is deleted'
  | 'quarantine keeps nothing'
  | 'nobody sweeps';

/** One run: input, faults for a while, then none, until all is quiet. The seed decides everything. */
export async function simulate(seed: number, lie?: Lie): Promise<RunReport> {
  const world = new World(seed);
  return world.clock.run(new Simulation(world, seed, lie).run());
}

class Simulation {
  readonly #world: World;
  readonly #seed: number;
  readonly #lie: Lie | undefined;
  readonly #input: Input;
  readonly #falco: SimulatedFalco;
  readonly #claims: ClaimsTable;
  readonly #checkpoints = new CheckpointsTable();
  readonly #archiveQueue: Queue;
  readonly #spoolQueue: Queue;
  readonly #archive: Bucket;
  readonly #spool: Bucket;
  readonly #quarantine: Bucket;
  readonly #stream: Lambda;
  readonly #objects: Lambda;
  readonly #invoker: AsyncInvoker;
  #condemned = 0;
  /** Reads the counts in the functions' log: what comes in leaves by exactly one door. */
  readonly #logger = {
    info: (_message: string, more: Record<string, unknown>) => this.#checkCounts((more.tally ?? more) as Partial<Tally>),
    warn: () => {},
    error: () => {},
  } as unknown as Logger;
  readonly #complaints: string[] = [];
  /** What was written to the spool or the on-failure destination, and whether whoever did it could confirm that. */
  readonly #parked: { readonly ids: readonly string[]; readonly finished: () => boolean }[] = [];

  constructor(world: World, seed: number, lie?: Lie) {
    this.#world = world;
    this.#seed = seed;
    this.#lie = lie;
    this.#input = makeInput(world.random, INPUT_MS);
    this.#falco = new SimulatedFalco(world);
    this.#claims = new ClaimsTable(world, lie === 'claims are not confirmed');
    // As functions/audit-archive/function.yml has them.
    this.#archiveQueue = new Queue(world, 2);
    this.#spoolQueue = new Queue(world, 5);
    this.#archive = new Bucket('archive', (address) => this.#archiveQueue.announce(address));
    const unheard = new SeededRandom(seed + 2_000_000);
    this.#spool = new Bucket(
      'spool',
      (address) => {
        if (unheard.chance(world.faults.unannounced)) world.log(`nobody is told of ${address.key}`);
        else this.#spoolQueue.announce(address);
      },
      { forgetful: lie === 'the spool keeps nothing', immortal: lie === 'nothing is deleted' },
      () => world.clock.now(),
    );
    this.#quarantine = new Bucket('quarantine', () => {}, { forgetful: lie === 'quarantine keeps nothing' });
    this.#stream = new Lambda(world, 'audit-stream', 60_000, (process, invocation) => this.#startStream(process, invocation));
    this.#objects = new Lambda(world, 'audit-archive', 120_000, (process, invocation) => this.#startObjects(process, invocation));
    let failed = 0;
    this.#invoker = new AsyncInvoker(world, this.#stream, (record, ids) => {
      this.#parked.push({ ids, finished: () => false });
      this.#spool.put(`${FAILED}audit-stream/${++failed}.json`, Buffer.from(JSON.stringify(record)));
    });
  }

  async run(): Promise<RunReport> {
    const { clock } = this.#world;
    const startMs = clock.now();
    this.#world.faults = faultsOf(this.#seed);
    this.#world.spawn(this.#archiveQueue.poll(this.#objects, 5));
    this.#world.spawn(this.#spoolQueue.poll(this.#objects, 2));
    if (this.#lie !== 'nobody sweeps') this.#world.spawn(this.#sweeps());
    this.#feed();
    if (this.#world.faults.falcoAway > 0) this.#world.spawn(this.#outages());
    await clock.sleep(FAULTS_MS);

    this.#world.log('healed');
    this.#world.faults = NO_FAULTS;
    this.#world.falcoDown = false;
    let quiet = await this.#quiet();
    // What five attempts did not move on is in quarantine, by name; people mend the cause and send the notifications again.
    for (let round = 0; quiet && round < 3 && this.#resendCondemned(); round++) quiet = await this.#quiet();

    const violations = this.#violations(quiet);
    return {
      seed: this.#seed,
      violations,
      trace: this.#world.trace,
      stats: {
        events: this.#input.good.size + this.#input.broken.size,
        bodies: this.#falco.taken.length,
        twice: [...this.#timesTaken().values()].filter(({ taken }) => taken > 1).length,
        deaths: this.#world.trace.filter((line) => line.includes(' dies: ')).length,
        condemned: this.#condemned,
        virtualMinutes: Math.round((clock.now() - startMs) / MINUTE),
      },
    };
  }

  /** As the schedule of functions/audit-archive has it. */
  async #sweeps(): Promise<never> {
    const { clock } = this.#world;
    const list = async () => ({ objects: this.#spool.list(), complete: true });
    const queue = {
      length: async () => this.#spoolQueue.length,
      send: async (bodies: readonly string[]) => {
        for (const body of bodies) this.#spoolQueue.send(body);
      },
    };
    for (;;) {
      await clock.sleep(SWEEP_MS);
      const { requeued } = await sweepSpool({ clock, list, queue });
      if (requeued > 0) this.#world.log(`the sweep announces ${requeued} objects again`);
      if (this.#spoolQueue.length > 2 * this.#spool.list().length + 100) this.#complaints.push('the sweep fills the queue');
    }
  }

  #feed(): void {
    const { clock } = this.#world;
    for (const { atMs, event } of this.#input.deliveries) this.#world.spawn(clock.sleep(atMs).then(() => this.#invoker.deliver(event)));
    for (const { atMs, key, bytes } of this.#input.objects) this.#world.spawn(clock.sleep(atMs).then(() => this.#archive.put(key, bytes)));
  }

  async #outages(): Promise<void> {
    const { clock, random, faults } = this.#world;
    while (this.#world.faults === faults) {
      await clock.sleep(random.int(0, 10 * MINUTE));
      this.#world.falcoDown = this.#world.faults === faults;
      await clock.sleep(random.int(0, 10 * MINUTE));
      this.#world.falcoDown = false;
    }
  }

  #startStream(process: Process, invocation: () => Invocation): Environment {
    const deps = this.#ingestDeps(process, invocation);
    const spool = this.#spool.store(process, SPOOL, (bytes) => {
      const by = invocation();
      this.#parked.push({ ids: idsIn(gunzipSync(bytes).toString()), finished: () => by.outcome === 'finished' });
    });
    return {
      handle: async (event, runtime) => {
        const killedAtMs = process.clock.now() + runtime.getRemainingTimeInMillis();
        const times = { killedAtMs, deliverUntilMs: killedAtMs - 10_000 };
        const keep = (chunk: { id: string }, undelivered: Parameters<typeof writeSpool>[2]) => writeSpool(spool, chunk, undelivered);
        return acknowledgeDelivery(() => ingestDelivery(event, { ...deps, keep, ownLogGroup: undefined }, times), this.#logger);
      },
      done: () => true,
    };
  }

  #startObjects(process: Process, invocation: () => Invocation): Environment {
    const deps = this.#ingestDeps(process, invocation);
    return {
      handle: async (event, runtime) => {
        const killedAtMs = process.clock.now() + runtime.getRemainingTimeInMillis();
        const answer = await acknowledgeObjects(
          event,
          {
            deps: {
              ...deps,
              objects: readerOf(process, [this.#archive, this.#spool]),
              checkpoints: this.#checkpoints.checkpoints(process),
              identify: () => ({ cluster: 'archive' }),
              sourceOf: ({ bucket, key }) => {
                if (bucket !== this.#spool.name) return 'archive';
                return key.startsWith(SPOOL) ? 'spool' : 'failed-invocation';
              },
            },
            times: { killedAtMs, deliverUntilMs: killedAtMs - 5_000, readUntilMs: killedAtMs - 30_000 },
            delay: (message, seconds) =>
              process.call('ChangeMessageVisibility', () => {
                for (const queue of [this.#archiveQueue, this.#spoolQueue]) queue.setDelay(message.messageId, seconds);
              }),
          },
          this.#logger,
          { record: () => {} },
        );
        return answer;
      },
      done: (answer) => (answer as SQSBatchResponse).batchItemFailures.length === 0,
    };
  }

  #ingestDeps(process: Process, invocation: () => Invocation) {
    const config = parseWebhookConfig({ url: 'http://falco:9765/k8s-audit' });
    const transport = this.#falco.transport(process, invocation);
    return {
      clock: process.clock,
      once: this.#claims.once(process),
      destination: createWebhookDestination(config, { transport, clock: process.clock, random: this.#world.random, restamp }),
      quarantine: this.#quarantine.store(process, QUARANTINE),
      prepare: (record: Parameters<typeof prepare>[0]) => prepare(record, {}, { maxEventBytes: 262_144 }),
      couldMatch: () => true,
    };
  }

  #checkCounts({ received, delivered = 0, dropped = 0, spooled = 0, quarantined = 0 }: Partial<Tally>): void {
    if (received === undefined || received === delivered + dropped + spooled + quarantined) return;
    this.#complaints.push(
      `of ${received} events ${delivered} were delivered, ${dropped} dropped, ${spooled} spooled, ${quarantined} quarantined`,
    );
  }

  /** Whether everything came to rest in time. */
  async #quiet(): Promise<boolean> {
    const { clock } = this.#world;
    const untilMs = clock.now() + DRAIN_MS;
    while (clock.now() < untilMs) {
      if (this.#world.failure) return false;
      const rest = this.#invoker.underWay === 0 && this.#archiveQueue.empty && this.#spoolQueue.empty;
      if (rest && this.#spool.list().length === 0) return true;
      await clock.sleep(30_000);
    }
    return false;
  }

  #resendCondemned(): boolean {
    const found = this.#quarantined().filter(({ reason }) => reason === 'poison-object');
    const fresh = found.slice(this.#condemned);
    this.#condemned = found.length;
    for (const { origin } of fresh) {
      this.#world.log(`people send the notification of ${origin.key} again`);
      (origin.bucket === this.#spool.name ? this.#spoolQueue : this.#archiveQueue).announce(origin);
    }
    return fresh.length > 0;
  }

  #quarantined(): { reason: string; text: string; origin: ObjectAddress }[] {
    return [...this.#quarantine.entries()].flatMap(([, bytes]) =>
      gunzipSync(bytes)
        .toString()
        .split('\n')
        .filter(Boolean)
        .map((line) => {
          const { reason, base64, origin } = JSON.parse(line) as { reason: string; base64?: string; origin: ObjectAddress };
          return { reason, text: Buffer.from(base64 ?? '', 'base64').toString(), origin };
        }),
    );
  }

  /**
   * How often Falco got each event, and how often more than once can be excused: the answer was lost; or whoever had delivered or parked it
   * could not confirm that, so that it was done again.
   */
  #timesTaken(): Map<string, { taken: number; excused: number }> {
    const times = new Map<string, { taken: number; excused: number }>();
    const count = (ids: readonly string[], taken: number, excused: number) => {
      for (const id of ids) {
        const before = times.get(id) ?? { taken: 0, excused: 0 };
        times.set(id, { taken: before.taken + taken, excused: before.excused + excused });
      }
    };
    for (const { ids, answered, invocation } of this.#falco.taken) count(ids, 1, answered && invocation.outcome === 'finished' ? 0 : 1);
    for (const { ids, finished } of this.#parked) count(ids, 0, finished() ? 0 : 1);
    return times;
  }

  #violations(quiet: boolean): string[] {
    const violations = [...this.#falco.complaints, ...this.#complaints];
    if (this.#world.failure)
      violations.push(`the simulation itself failed: ${String((this.#world.failure as Error).stack ?? this.#world.failure)}`);
    if (!quiet) violations.push(`not quiet ${DRAIN_MS / MINUTE} minutes after healing`);
    const times = this.#timesTaken();
    const lost = [...this.#input.good].filter((id) => !times.get(id)?.taken);
    if (lost.length > 0) violations.push(`${lost.length} events were lost, among them ${lost.slice(0, 3).join(', ')}`);
    const twice = [...times].filter(([, { taken, excused }]) => taken > 1 + excused).map(([id]) => id);
    if (twice.length > 0)
      violations.push(`${twice.length} events were delivered twice without need, among them ${twice.slice(0, 3).join(', ')}`);
    const inQuarantine = this.#quarantined().map(({ text }) => text);
    const missing = [...this.#input.broken].filter((mark) => !inQuarantine.some((text) => text.includes(mark)));
    if (missing.length > 0)
      violations.push(`${missing.length} broken events are not in quarantine, among them ${missing.slice(0, 3).join(', ')}`);
    const strangers = [...times].filter(([id, { taken }]) => taken > 0 && !this.#input.good.has(id)).map(([id]) => id);
    if (strangers.length > 0) violations.push(`Falco got what it should not have: ${strangers.slice(0, 3).join(', ')}`);
    const spooled = this.#spool.list();
    if (spooled.length > 0) violations.push(`${spooled.length} objects are left in the spool, among them ${spooled[0]!.key}`);
    return violations;
  }
}

/** A fault alone for some seeds, so that what is guaranteed against it alone is seen; all together for the others. */
function faultsOf(seed: number): Faults {
  const random = new SeededRandom(seed + 1_000_000);
  const rate = () => random.pick([0, 0.01, 0.03, 0.1]);
  const all: Faults = {
    refused: rate(),
    answerLost: rate(),
    crash: rate() / 2,
    slow: rate(),
    duplicate: random.pick([0, 0.1, 0.5]),
    falcoLost: random.pick([0, 0.05, 0.3]),
    falcoAway: random.pick([0, 0.05, 0.5]),
    unannounced: random.pick([0, 0.1, 0.5]),
  };
  switch (seed % 8) {
    case 0:
      return { ...NO_FAULTS, duplicate: 0.5 };
    case 1:
      return { ...NO_FAULTS, falcoAway: 0.2, falcoLost: 0.1 };
    case 2:
      return { ...NO_FAULTS, crash: 0.03 };
    case 3:
      return { ...NO_FAULTS, refused: 0.05, answerLost: 0.05 };
    case 4:
      return { ...NO_FAULTS, falcoAway: 0.5, unannounced: 0.5 };
    default:
      return all;
  }
}
