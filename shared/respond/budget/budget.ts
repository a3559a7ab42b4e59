/** One count that a response takes a place in. */
export interface Counter {
  /** What is counted, for people: `policy p`, `policy p in cluster c`. */
  readonly what: string;
  /** Names it among the counters of the window. */
  readonly scope: string;
  readonly max: number;
}

/** Counters that run together. */
export interface Window {
  /** Unique: whose, and since when. */
  readonly key: string;
  /** When the counts may be forgotten, epoch milliseconds. */
  readonly endsAtMs: number;
  readonly counters: readonly Counter[];
}

/** Nobody else may take the object until then. */
export interface Cooldown {
  readonly what: string;
  readonly key: string;
  readonly untilMs: number;
}

export interface Reservation {
  /** The happening: reserving twice for the same takes one place. */
  readonly claim: string;
  readonly window: Window;
  /** Absent for a question: whoever answers it knows about the object, and a first question must not shelter the object from a second. */
  readonly cooldown?: Cooldown;
}

export type Reserved = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Exact at any concurrency: never more than `max` claims hold a place in a counter. All places of a reservation are taken, or none. */
export interface Budgets {
  reserve(reservation: Reservation): Promise<Reserved>;
}

export function spent({ what, max }: Counter): Reserved {
  return { ok: false, reason: `the budget of ${what} is spent: ${max} in this window` };
}

export function tooSoon({ what }: Cooldown): Reserved {
  return { ok: false, reason: `${what} was acted on a short while ago` };
}
