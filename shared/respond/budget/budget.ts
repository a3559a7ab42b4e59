/** One count that a response takes a place in. */
export interface Counter {
  /** What is counted, for people: `policy p`, `cluster c`. */
  readonly what: string;
  /** Unique: what is counted, and the window. */
  readonly key: string;
  readonly max: number;
  /** When the window is over and the count may be forgotten, epoch milliseconds. */
  readonly endsAtMs: number;
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
  /** Nested, the narrowest first. */
  readonly counters: readonly Counter[];
  readonly cooldown: Cooldown;
}

export type Reserved = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Exact at any concurrency: never more than `max` claims hold a place in a counter. All places of a reservation are taken, or none. */
export interface Budgets {
  reserve(reservation: Reservation): Promise<Reserved>;
}
