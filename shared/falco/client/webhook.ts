import type { AuditRecord } from '../../audit/record.ts';
import { CircuitBreaker } from '../../platform/circuit-breaker.ts';
import type { Clock, Random } from '../../platform/clock.ts';
import type { Transport } from '../../platform/http.ts';
import { backoffMs, withTimeLimit } from '../../platform/retry.ts';
import type { DeliveryContext, DeliveryOutcome, DeliveryReport, Destination } from '../destination.ts';
import { judgeAnswer, judgeFailure, placeOf, type Verdict } from './answer.ts';
import { type BodySpan, eventListBody, planBodies, WEBHOOK_MAX_BYTES } from './body.ts';
import type { WebhookConfig } from './config.ts';
import { Gate } from './gate.ts';

export interface WebhookDeps {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  /** The record's text with `tiercel.dev/attempt` set to `attempt` (≥ 2), still acceptable to Falco. */
  readonly restamp: (record: AuditRecord, attempt: number) => Uint8Array;
  /** Hears how long each answer took, **milliseconds**. No answer is no reading. */
  readonly observe?: (latencyMs: number) => void;
}

/** A try that could not get an answer within this time would only make a possible duplicate. */
const SHORTEST_TRY_MS = 250;

const NO_TIME = 'no time left';

/** No try was made, and none will be in this delivery. */
interface Untried {
  readonly kind: 'untried';
  readonly reason: string;
}

/**
 * Remote Falco. Bodies go out side by side, each is tried until it is taken, refused, or the time or the tries are used up.
 * One breaker and one bound on concurrency hold for all calls of the destination.
 */
export function createWebhookDestination(config: WebhookConfig, deps: WebhookDeps): Destination {
  const shared: Shared = {
    config,
    deps,
    url: new URL(config.url),
    gate: new Gate(config.concurrency, deps.clock),
    breaker: new CircuitBreaker({ failures: config.breakerFailures, openMs: config.breakerOpenMs }, deps.clock),
  };
  return { deliver: (records, context) => new Delivery(shared, records, context).run() };
}

interface Shared {
  readonly config: WebhookConfig;
  readonly deps: WebhookDeps;
  readonly url: URL;
  readonly gate: Gate;
  readonly breaker: CircuitBreaker;
}

/** One call of `deliver`. */
class Delivery {
  readonly #shared: Shared;
  readonly #records: readonly AuditRecord[];
  readonly #context: DeliveryContext;
  readonly #resent = { bodies: 0, records: 0 };
  /** Set by an answer that every body would get: the rest is not tried. */
  #refusedAll: Extract<DeliveryOutcome, { kind: 'refused' }> | undefined;

  constructor(shared: Shared, records: readonly AuditRecord[], context: DeliveryContext) {
    this.#shared = shared;
    this.#records = records;
    this.#context = context;
  }

  async run(): Promise<DeliveryReport> {
    const { maxBodyBytes, maxBodyEvents, concurrency } = this.#shared.config;
    const sizes = this.#records.map((record) => record.raw.byteLength);
    const plan = planBodies(sizes, { maxBytes: maxBodyBytes, maxEvents: maxBodyEvents });
    const outcomes = new Array<DeliveryOutcome>(this.#records.length);
    for (const index of plan.tooLarge)
      outcomes[index] = { kind: 'refused', reason: `larger than a body may be (${WEBHOOK_MAX_BYTES} bytes)` };
    const bodies = plan.bodies.values();
    const work = async () => {
      for (const span of bodies) outcomes.fill(await this.#post(span), span.from, span.to);
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, plan.bodies.length) }, work));
    return { outcomes, resent: this.#resent };
  }

  /** Tries one body until its fate is known. */
  async #post(span: BodySpan): Promise<DeliveryOutcome> {
    const { config, deps } = this.#shared;
    /** Tries after which Falco may have had the body. */
    let ambiguous = 0;
    let last = '';
    const giveUp = (why: string): DeliveryOutcome => {
      const reason = last && last !== why ? `${why}; before that: ${last}` : why;
      return ambiguous > 0 ? { kind: 'undelivered', reason, ambiguous: true } : { kind: 'undelivered', reason };
    };
    for (let tries = 1; ; tries++) {
      const result = await this.#try(span, ambiguous);
      if (result.kind === 'untried') return giveUp(result.reason);
      if (result.kind === 'refused') {
        const outcome = { kind: 'refused', reason: result.reason } as const;
        if (result.all) this.#refusedAll = outcome;
        return outcome;
      }
      const arrived = result.kind === 'delivered' || result.ambiguous;
      if (arrived && ambiguous === 1) {
        this.#resent.bodies++;
        this.#resent.records += span.to - span.from;
      }
      if (result.kind === 'delivered') return result;
      if (result.ambiguous) ambiguous++;
      last = result.reason;
      if (tries > config.retries) return giveUp(last);
      const waitMs = backoffMs(tries, { baseMs: config.backoffBaseMs, capMs: config.backoffCapMs }, deps.random);
      if (waitMs + SHORTEST_TRY_MS > this.#timeLeftMs()) return giveUp(NO_TIME);
      await deps.clock.sleep(waitMs);
    }
  }

  async #try(span: BodySpan, ambiguous: number): Promise<Verdict | Untried> {
    const { config, deps, url, gate, breaker } = this.#shared;
    const waitMs = this.#timeLeftMs() - SHORTEST_TRY_MS;
    if (waitMs < 0 || !(await gate.enter(waitMs))) return { kind: 'untried', reason: NO_TIME };
    try {
      if (this.#refusedAll) return { kind: 'refused', all: true, reason: this.#refusedAll.reason };
      const leftMs = this.#timeLeftMs();
      if (leftMs < SHORTEST_TRY_MS) return { kind: 'untried', reason: NO_TIME };
      if (!breaker.enter())
        return { kind: 'untried', reason: `circuit open: ${placeOf(url)} failed ${config.breakerFailures} times in a row` };
      const body = this.#body(span, this.#context.attempt + ambiguous);
      const request = { method: 'POST', url, headers: { 'content-type': 'application/json', 'user-agent': 'tiercel' }, body } as const;
      const sentMs = deps.clock.now();
      const verdict = await withTimeLimit(Math.min(config.requestTimeoutMs, leftMs), deps.clock, (signal) =>
        deps.transport.send(request, signal),
      ).then(
        (answer) => {
          deps.observe?.(deps.clock.now() - sentMs);
          return judgeAnswer(answer, url);
        },
        (thrown) => judgeFailure(thrown, url),
      );
      // A refusal is an answer too: whoever gave it is up.
      if (verdict.kind === 'again') breaker.failed();
      else breaker.succeeded();
      return verdict;
    } finally {
      gate.leave();
    }
  }

  #body(span: BodySpan, attempt: number): Uint8Array {
    const records = this.#records.slice(span.from, span.to);
    const { restamp } = this.#shared.deps;
    return eventListBody(records.map((record) => (attempt > 1 ? restamp(record, attempt) : record.raw)));
  }

  #timeLeftMs(): number {
    return this.#context.deadlineMs - this.#shared.deps.clock.now();
  }
}
