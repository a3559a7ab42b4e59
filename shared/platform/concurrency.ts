/**
 * Runs `work` over `items` with at most `limit` under way, pulling the next item only when there is room (back-pressure for generators).
 * Resolves to the settled results in the order of the items; one failure stops nobody else.
 * @throws what the source of the items throws, after those under way have ended.
 */
export async function settleAll<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<PromiseSettledResult<Result>[]> {
  const results: PromiseSettledResult<Result>[] = [];
  const underWay = new Set<Promise<void>>();
  let ordinal = 0;
  try {
    for await (const item of items) {
      const at = ordinal++;
      const task: Promise<void> = work(item).then(
        (value) => {
          results[at] = { status: 'fulfilled', value };
          underWay.delete(task);
        },
        (reason) => {
          results[at] = { status: 'rejected', reason };
          underWay.delete(task);
        },
      );
      underWay.add(task);
      if (underWay.size >= limit) await Promise.race(underWay);
    }
  } finally {
    // Also when the source fails: nobody may still be at work when the caller goes on.
    await Promise.all(underWay);
  }
  return results;
}
