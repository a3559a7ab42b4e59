import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDynamoDBCheckpoints } from '../../shared/platform/aws/checkpoints.ts';
import { createDynamoDBOnce } from '../../shared/platform/aws/once.ts';
import { type Checkpoints, createMemoryCheckpoints } from '../../shared/platform/checkpoints.ts';
import { type Clock, systemClock } from '../../shared/platform/clock.ts';
import { createMemoryOnce, type Once, WorkInProgressError } from '../../shared/platform/once.ts';
import { startDynalite } from '../support/dynalite.ts';

let dynalite: Awaited<ReturnType<typeof startDynalite>>;
let ids = 0;
const newId = () => `work-${process.pid}-${ids++}`;

beforeAll(async () => {
  dynalite = await startDynalite();
  await dynalite.client.send(
    new CreateTableCommand({
      TableName: 'claims',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    }),
  );
});
afterAll(() => dynalite.stop());

/** `otherProcess` shares the store and nothing else. */
const onces: readonly { name: string; make: () => { once: Once; otherProcess: Once } }[] = [
  {
    name: 'memory',
    make: () => {
      const once = createMemoryOnce(systemClock);
      return { once, otherProcess: once };
    },
  },
  {
    name: 'DynamoDB by Powertools',
    make: () => {
      const make = () =>
        createDynamoDBOnce({
          client: dynalite.client,
          tableName: 'claims',
          keyPrefix: 'test',
          expiresAfterSeconds: 3600,
          clock: systemClock,
        });
      return { once: make(), otherProcess: make() };
    },
  },
];

const inAMinute = () => ({ endsAtMs: systemClock.now() + 60_000 });

describe.each(onces)('Once: $name', ({ make }) => {
  it('does the work the first time and hands its result to every duplicate', async () => {
    const { once, otherProcess } = make();
    const id = newId();
    let done = 0;
    const work = async () => ({ delivered: ++done });
    expect(await once.run(id, inAMinute(), work)).toEqual({ ran: true, result: { delivered: 1 } });
    expect(await once.run(id, inAMinute(), work)).toEqual({ ran: false, result: { delivered: 1 } });
    expect(await otherProcess.run(id, inAMinute(), work)).toEqual({ ran: false, result: { delivered: 1 } });
    expect(done).toBe(1);
  });

  it('keeps ids apart', async () => {
    const { once } = make();
    expect(await once.run(newId(), inAMinute(), async () => ({ n: 1 }))).toEqual({ ran: true, result: { n: 1 } });
    expect(await once.run(newId(), inAMinute(), async () => ({ n: 2 }))).toEqual({ ran: true, result: { n: 2 } });
  });

  it('gives the claim back when the work rejects, and passes the rejection through', async () => {
    const { once, otherProcess } = make();
    const id = newId();
    const failure = new Error('spool unreachable');
    await expect(once.run(id, inAMinute(), () => Promise.reject(failure))).rejects.toBe(failure);
    expect(await otherProcess.run(id, inAMinute(), async () => ({ n: 1 }))).toEqual({ ran: true, result: { n: 1 } });
  });

  it('refuses a second worker while the first holds the claim', async () => {
    const { once, otherProcess } = make();
    const id = newId();
    await once.run(id, inAMinute(), async () => {
      await expect(otherProcess.run(id, inAMinute(), async () => ({ n: 2 }))).rejects.toBeInstanceOf(WorkInProgressError);
      return { n: 1 };
    });
  });

  it('lets another worker in when the lease of one that died has ended', async () => {
    const { once, otherProcess } = make();
    const id = newId();
    const began = Promise.withResolvers<void>();
    void once.run(id, { endsAtMs: systemClock.now() + 40 }, () => {
      began.resolve();
      return new Promise<{ n: number }>(() => {});
    });
    await began.promise;
    const takeOver = async (): ReturnType<typeof once.run> => {
      try {
        return await otherProcess.run(id, inAMinute(), async () => ({ n: 2 }));
      } catch (error) {
        if (!(error instanceof WorkInProgressError)) throw error;
        await systemClock.sleep(10);
        return takeOver();
      }
    };
    expect(await takeOver()).toEqual({ ran: true, result: { n: 2 } });
  });
});

const clock: Clock = systemClock;
const checkpoints: readonly { name: string; make: () => Checkpoints }[] = [
  { name: 'memory', make: createMemoryCheckpoints },
  {
    name: 'DynamoDB',
    make: () => createDynamoDBCheckpoints({ client: dynalite.client, tableName: 'claims', expiresAfterSeconds: 60, clock }),
  },
];

describe.each(checkpoints)('Checkpoints: $name', ({ make }) => {
  it('counts attempts until there is progress', async () => {
    const store = make();
    const id = newId();
    expect(await store.begin(id)).toEqual({ steps: 0, done: false, attempts: 1 });
    expect(await store.begin(id)).toEqual({ steps: 0, done: false, attempts: 2 });
    await store.advance(id, 3);
    expect(await store.begin(id)).toEqual({ steps: 3, done: false, attempts: 1 });
  });

  it('never goes back, whoever reports late', async () => {
    const store = make();
    const id = newId();
    await store.begin(id);
    await store.advance(id, 7);
    await store.advance(id, 4);
    expect((await store.begin(id)).steps).toBe(7);
  });

  it('forgives an attempt that failed for reasons of others', async () => {
    const store = make();
    const id = newId();
    await store.begin(id);
    await store.begin(id);
    await store.excuse(id);
    expect(await store.begin(id)).toEqual({ steps: 0, done: false, attempts: 1 });
  });

  it('remembers what is done', async () => {
    const store = make();
    const id = newId();
    await store.begin(id);
    await store.advance(id, 2);
    await store.finish(id);
    expect(await store.begin(id)).toEqual({ steps: 2, done: true, attempts: 1 });
  });
});
