import { JsonDocument, type MemberIndex } from '../document/index.ts';
import type { Moment } from './timestamp.ts';

/** What Falco knows beyond the event itself. One per run: Falco counts events from its start. */
export class Run {
  /** Events accepted so far: `evt.num` of the last one. */
  events = 0;
  /** Timestamp of the first event, nanoseconds: the zero of `evt.reltime`. */
  firstNanoseconds = 0n;
  /** `evt.hostname`. */
  readonly hostname: string;

  constructor(hostname = '') {
    this.hostname = hostname;
  }
}

let lastEpoch = 0;

/** Events of an audit log mostly share their second with the one before. */
let lastSeconds = -1;
let lastSecondsText = '';

/** One accepted event, as conditions and outputs read it. */
export class EventContext {
  readonly index: MemberIndex;
  readonly run: Run;
  /** `evt.num`. */
  readonly number: number;
  #moment: Moment | ((index: MemberIndex) => Moment);
  /** Values read stay good while this number stands: a new one for every event. */
  epoch: number;
  #audit: JsonDocument | undefined;
  #plain: JsonDocument | undefined;
  #hasAuditId: boolean | undefined;
  #rewrites = 0;

  /** `moment` may be found when it is asked for: the pre-filter mostly does without. */
  constructor(index: MemberIndex, moment: Moment | ((index: MemberIndex) => Moment), run: Run) {
    this.index = index;
    this.#moment = moment;
    this.run = run;
    this.number = ++run.events;
    this.epoch = ++lastEpoch;
    if (this.number === 1 && typeof moment === 'object') run.firstNanoseconds = this.nanoseconds;
  }

  /** The event's time: its `stageTimestamp`. */
  get moment(): Moment {
    if (typeof this.#moment === 'function') this.#moment = this.#moment(this.index);
    return this.#moment;
  }

  /** The view of the k8saudit plugin (`ka.*`). */
  get audit(): JsonDocument {
    this.#audit ??= new JsonDocument(this.index);
    return this.#audit;
  }

  /** The view of the json plugin (`json.*`, `jevt.*`). */
  get plain(): JsonDocument {
    this.#plain ??= new JsonDocument(this.index);
    return this.#plain;
  }

  /** Without `auditID` no `ka.*` field has a value. */
  get hasAuditId(): boolean {
    this.#hasAuditId ??= this.audit.get(this.audit.root, 'auditID') >= 0;
    return this.#hasAuditId;
  }

  /** Nanoseconds since the epoch, as Falco's unsigned 64 bits. */
  get nanoseconds(): bigint {
    return BigInt(this.moment.seconds) * 1_000_000_000n + BigInt(this.moment.nanoseconds);
  }

  /** The same in decimal. */
  get nanosecondsText(): string {
    const { seconds, nanoseconds } = this.moment;
    if (seconds === 0) return String(nanoseconds);
    if (seconds !== lastSeconds) {
      lastSeconds = seconds;
      lastSecondsText = String(seconds);
    }
    return lastSecondsText + String(nanoseconds).padStart(9, '0');
  }

  /** Nanoseconds since the first event of the run. */
  get relativeNanoseconds(): bigint {
    return BigInt.asUintN(64, this.nanoseconds - this.run.firstNanoseconds);
  }

  /** The event's compact JSON text, which is what Falco's plugins are handed. */
  get payload(): string {
    const untouched = new JsonDocument(this.index);
    return untouched.write(untouched.root);
  }

  /** Falco forgets extracted values between rules, which shows when reading one has changed how another is written (document/document.ts). */
  forget(): void {
    const rewrites = (this.#audit?.rewrites ?? 0) + (this.#plain?.rewrites ?? 0);
    if (rewrites === this.#rewrites) return;
    this.#rewrites = rewrites;
    this.epoch = ++lastEpoch;
  }
}
