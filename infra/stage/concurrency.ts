import * as z from 'zod';
import type { Stage } from './schema.ts';

/** The least that Lambda takes for one queue (`MaximumConcurrency`). */
const LEAST = 2;

/** A cap, or `none`: the account's shared pool, for accounts that have too little to reserve any of it. */
const cap = (least: number, why: string) => {
  const error = `expected a whole number from ${least} to 1000${why}, or none (the account's shared pool)`;
  return z.union([z.int(error).min(least, error).max(1000, error), z.literal('none')], error).optional();
};

export const concurrencySchema = z
  .strictObject({
    auditStream: cap(1, ''),
    auditArchive: cap(2 * LEAST + 1, ', because its two queues take two each and the sweep one'),
    respond: cap(LEAST + 1, ', because its queue takes two and other callers one'),
    heartbeat: cap(1, ''),
  })
  .default({});

/** What may call Falco at the same time, unless the stage says otherwise: without a cap, a backlog would call it a thousand times at once. */
const FALCO_GUARD = { auditStream: 20, auditArchive: 10 } as const;
/** What may act on clusters at the same time, unless the stage says otherwise. */
const ACTING_GUARD = { respond: 3 } as const;

/** Reserved concurrency by function; a function that is not listed shares the account's. */
export function caps(stage: Stage): Readonly<Partial<Record<keyof Stage['concurrency'], number>>> {
  const wanted = {
    ...(stage.detection === 'falco' ? FALCO_GUARD : {}),
    ...(stage.mode === 'enforce' ? ACTING_GUARD : {}),
    ...stage.concurrency,
  };
  return Object.fromEntries(Object.entries(wanted).filter(([, most]) => most !== 'none'));
}

/**
 * How many invocations each queue may have at the same time. Together they stay below the function's cap: a message that is taken and then
 * refused comes back after the visibility time-out, and after enough refusals ends with the dead letters.
 */
export function queueShares(stage: Stage): { readonly archive: number; readonly spool: number; readonly respond: number } {
  const { auditArchive = 8, respond = LEAST + 1 } = caps(stage);
  return { archive: auditArchive - LEAST - 1, spool: LEAST, respond: respond - 1 };
}
