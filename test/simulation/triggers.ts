import { gunzipSync } from 'node:zlib';
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import type { ObjectAddress } from '../../shared/platform/aws/s3.ts';
import type { Invocation } from './falco.ts';
import { type Delivery, idsIn } from './input.ts';
import { Process, type World } from './world.ts';

interface Runtime {
  readonly getRemainingTimeInMillis: () => number;
}

/** What a cold start makes: the handler of one environment. `done` tells from the answer whether nothing is left to do. */
export interface Environment {
  readonly handle: (event: unknown, runtime: Runtime) => Promise<unknown>;
  readonly done: (answer: unknown) => boolean;
}

export type Answer = { readonly kind: 'answer'; readonly value: unknown } | { readonly kind: 'error' } | { readonly kind: 'died' };

/** One Lambda function: environments that are reused, frozen in between, killed at the time-out. */
export class Lambda {
  readonly #world: World;
  readonly #name: string;
  readonly #timeoutMs: number;
  readonly #coldStart: (process: Process, invocation: () => Invocation) => Environment;
  readonly #idle: { process: Process; environment: Environment; current: { invocation: Invocation } }[] = [];
  #environments = 0;
  #invocations = 0;

  constructor(world: World, name: string, timeoutMs: number, coldStart: (process: Process, invocation: () => Invocation) => Environment) {
    this.#world = world;
    this.#name = name;
    this.#timeoutMs = timeoutMs;
    this.#coldStart = coldStart;
  }

  async invoke(event: unknown): Promise<Answer> {
    const { clock } = this.#world;
    const invocation: Invocation = { name: `${this.#name}#${++this.#invocations}`, outcome: 'running' };
    const warm = this.#world.random.chance(0.8) ? this.#idle.pop() : undefined;
    const used = warm ?? this.#start(invocation);
    const { process, environment } = used;
    used.current.invocation = invocation;
    this.#world.log(`${invocation.name} runs in ${process.name}`);
    const endsMs = clock.now() + this.#timeoutMs;
    const over = new AbortController();
    clock.sleep(this.#timeoutMs, over.signal).then(
      () => process.die('time-out'),
      () => {},
    );
    const work = environment.handle(event, { getRemainingTimeInMillis: () => endsMs - clock.now() }).then(
      (value): Answer => ({ kind: 'answer', value }),
      (): Answer => ({ kind: 'error' }),
    );
    const answer = await Promise.race([work, process.died.then((): Answer => ({ kind: 'died' }))]);
    over.abort();
    if (answer.kind === 'died') invocation.outcome = 'died';
    else invocation.outcome = answer.kind === 'answer' && environment.done(answer.value) ? 'finished' : 'unfinished';
    this.#world.log(`${invocation.name} ${invocation.outcome}`);
    if (process.alive) this.#idle.push(used);
    return answer;
  }

  #start(invocation: Invocation) {
    const process = new Process(this.#world, `${this.#name}/${++this.#environments}`);
    const current = { invocation };
    return { process, environment: this.#coldStart(process, () => current.invocation), current };
  }
}

/** Asynchronous invocation: three attempts, then the whole payload goes to the on-failure destination. May deliver twice. */
export class AsyncInvoker {
  underWay = 0;
  readonly #world: World;
  readonly #lambda: Lambda;
  readonly #onFailure: (record: unknown, ids: readonly string[]) => void;

  constructor(world: World, lambda: Lambda, onFailure: (record: unknown, ids: readonly string[]) => void) {
    this.#world = world;
    this.#lambda = lambda;
    this.#onFailure = onFailure;
  }

  deliver(event: Delivery): void {
    this.#world.spawn(this.#deliver(event));
    if (this.#world.random.chance(this.#world.faults.duplicate))
      this.#world.spawn(this.#deliver(event, this.#world.random.int(0, 200_000)));
  }

  async #deliver(event: Delivery, delayMs = 0): Promise<void> {
    this.underWay++;
    await this.#world.clock.sleep(delayMs);
    for (const retryMs of [60_000, 120_000, 0]) {
      const answer = await this.#lambda.invoke(event);
      if (answer.kind === 'answer') {
        this.underWay--;
        return;
      }
      await this.#world.clock.sleep(retryMs);
    }
    this.#world.log('three attempts failed, the payload goes to the on-failure destination');
    const record = {
      version: '1.0',
      timestamp: new Date(this.#world.clock.now()).toISOString(),
      requestContext: {
        requestId: 'r',
        functionArn: 'arn:aws:lambda:::function:audit-stream',
        condition: 'RetriesExhausted',
        approximateInvokeCount: 3,
      },
      requestPayload: event,
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: { errorMessage: 'failed' },
    };
    this.#onFailure(record, idsIn(gunzipSync(Buffer.from(event.awslogs.data, 'base64')).toString()));
    this.underWay--;
  }
}

interface Message {
  readonly messageId: string;
  readonly body: string;
  receives: number;
  visibleAtMs: number;
}

const VISIBILITY_MS = 720_000;

/** An SQS queue with its event source mapping: batches, visibility, partial answers, deliveries out of order and twice. */
export class Queue {
  readonly #messages = new Map<string, Message>();
  readonly #world: World;
  readonly #batchSize: number;
  #sent = 0;
  #invocations = 0;
  #wake: () => void = () => {};

  constructor(world: World, batchSize: number) {
    this.#world = world;
    this.#batchSize = batchSize;
  }

  get length(): number {
    return this.#messages.size;
  }

  get empty(): boolean {
    return this.#messages.size === 0 && this.#invocations === 0;
  }

  /** S3's announcement of an object. */
  announce(address: ObjectAddress): void {
    const body = JSON.stringify({
      Records: [
        {
          eventVersion: '2.1',
          eventSource: 'aws:s3',
          awsRegion: 'eu-central-1',
          eventName: 'ObjectCreated:Put',
          s3: { bucket: { name: address.bucket }, object: { key: encodeURIComponent(address.key), versionId: address.versionId } },
        },
      ],
    });
    this.send(body);
  }

  send(body: string): void {
    const { random, clock, faults } = this.#world;
    for (let copies = random.chance(faults.duplicate) ? 2 : 1; copies > 0; copies--) {
      const messageId = `m${++this.#sent}`;
      this.#messages.set(messageId, { messageId, body, receives: 0, visibleAtMs: clock.now() + random.int(0, 10_000) });
    }
    this.#wake();
  }

  setDelay(messageId: string, seconds: number): void {
    const message = this.#messages.get(messageId);
    if (message) message.visibleAtMs = this.#world.clock.now() + seconds * 1000;
    this.#wake();
  }

  /** Calls the function as messages become visible, `concurrency` times at once at most. Never ends. */
  async poll(lambda: Lambda, concurrency: number): Promise<never> {
    const { clock, random } = this.#world;
    for (;;) {
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const now = clock.now();
      const waiting = [...this.#messages.values()];
      const visible = waiting.filter((message) => message.visibleAtMs <= now);
      if (this.#invocations >= concurrency || visible.length === 0) {
        const next = Math.min(...waiting.map((message) => message.visibleAtMs).filter((at) => at > now));
        const stop = new AbortController();
        const timer = Number.isFinite(next) ? clock.sleep(next - now, stop.signal).catch(() => {}) : undefined;
        await (timer ? Promise.race([woken, timer]) : woken);
        stop.abort();
        continue;
      }
      const batch: Message[] = [];
      while (batch.length < this.#batchSize && visible.length > 0) batch.push(...visible.splice(random.int(0, visible.length - 1), 1));
      this.#world.spawn(this.#receive(batch, lambda));
    }
  }

  async #receive(batch: readonly Message[], lambda: Lambda): Promise<void> {
    const { clock, random, faults } = this.#world;
    this.#invocations++;
    for (const message of batch) {
      message.receives++;
      // At least once: now and then a message that is being worked on is handed out again.
      message.visibleAtMs = clock.now() + (random.chance(faults.duplicate) ? random.int(100, 20_000) : VISIBILITY_MS);
    }
    const event = {
      Records: batch.map(({ messageId, body, receives }) => ({
        messageId,
        body,
        receiptHandle: messageId,
        eventSource: 'aws:sqs',
        eventSourceARN: 'arn:aws:sqs:eu-central-1:111122223333:queue',
        attributes: { ApproximateReceiveCount: String(receives) },
      })),
    } as unknown as SQSEvent;
    const answer = await lambda.invoke(event);
    if (answer.kind === 'answer') {
      const failed = new Set((answer.value as SQSBatchResponse).batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
      // A deletion that fails lets the message come back.
      for (const { messageId } of batch) if (!failed.has(messageId) && !random.chance(faults.refused)) this.#messages.delete(messageId);
    }
    this.#invocations--;
    this.#wake();
  }
}
