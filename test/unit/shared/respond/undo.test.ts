import { expect, it } from 'vitest';
import { createMemoryJournal } from '../../../../shared/respond/journal/index.ts';
import type { Status } from '../../../../shared/respond/journal/journal.ts';
import { undo } from '../../../../shared/respond/undo.ts';
import { entryOf } from '../../../support/entry.ts';
import { createMemoryCluster } from '../../../support/memory-cluster.ts';
import { testClock } from '../../../support/responder.ts';

it.each<[Status, RegExp]>([
  ['planned', /cannot be undone: it is planned, nothing was done\.$/],
  ['refused', /it is refused, nothing was done/],
  ['denied', /it is denied, nothing was done/],
  ['failed', /it is failed, nothing was done/],
  ['awaiting-approval', /nothing was done; deny it instead/],
  ['open', /goes on when its alert comes again in mode enforce; undo it when it is done/],
])('a response that is %s is not taken back, and says why', async (status, why) => {
  const clock = testClock(0);
  const cluster = createMemoryCluster(clock);
  const journal = createMemoryJournal(clock);
  await expect(
    undo(entryOf({ status, steps: [] }), { by: 'ann', force: true }, { clock, journal, client: cluster.client }),
  ).rejects.toThrow(why);
  expect(cluster.calls).toEqual([]);
});
