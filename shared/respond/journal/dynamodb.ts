import { ConditionalCheckFailedException, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import type { Clock } from '../../platform/clock.ts';
import { type Draft, type Entry, type Journal, JournalContentionError, merge, type Summary, summaryOf } from './journal.ts';

export interface DynamoDBJournalOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly clock: Clock;
  /** How long an entry is kept, **seconds**; DynamoDB deletes it some time after. */
  readonly retentionSeconds: number;
}

/** Name of the index that listings read; its keys are `listing` and `at`. */
export const LISTING_INDEX = 'listing';
/** Entries of one hour are spread over this many partitions of the index. Must not change while entries are kept. */
const SHARDS = 8;
const HOUR_MS = 3_600_000;
const MAX_ATTEMPTS = 8;

/** The journal in DynamoDB; the table is described in README.md beside this file. */
export function createDynamoDBJournal(options: DynamoDBJournalOptions): Journal {
  const { clock, tableName } = options;
  const client = DynamoDBDocumentClient.from(options.client, { marshallOptions: { removeUndefinedValues: true } });

  async function find(id: string): Promise<Entry | undefined> {
    const { Item } = await client.send(new GetCommand({ TableName: tableName, Key: keyOf(id), ConsistentRead: true }));
    return Item?.entry as Entry | undefined;
  }

  /** Resolves to false when the condition does not hold. */
  async function put(entry: Entry, replaces: number | undefined): Promise<boolean> {
    const item = {
      ...keyOf(entry.id),
      version: entry.version,
      entry,
      listing: partitionOf(entry.createdAtMs, shardOf(entry.event)),
      at: sortOf(entry.createdAtMs, entry.id),
      summary: summaryOf(entry),
      expiration: Math.floor(entry.createdAtMs / 1000) + options.retentionSeconds,
    };
    const condition =
      replaces === undefined
        ? { ConditionExpression: 'attribute_not_exists(pk)' }
        : {
            ConditionExpression: '#version = :replaces',
            ExpressionAttributeNames: { '#version': 'version' },
            ExpressionAttributeValues: { ':replaces': replaces },
          };
    try {
      await client.send(new PutCommand({ TableName: tableName, Item: item, ...condition }));
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  async function record(draft: Draft): Promise<{ entry: Entry; first: boolean }> {
    const now = clock.now();
    const created: Entry = { ...draft, version: 1, createdAtMs: now, updatedAtMs: now };
    if (await put(created, undefined)) return { entry: created, first: true };
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const existing = await find(draft.id);
      if (!existing) continue;
      const merged = merge(existing, draft, clock.now());
      if (!merged) return { entry: existing, first: false };
      if (await put(merged, existing.version)) return { entry: merged, first: false };
    }
    throw new JournalContentionError(draft.id);
  }

  async function query<Item>(
    input: Omit<QueryCommand['input'], 'TableName'>,
    enough: number,
    pick: (item: Record<string, unknown>) => Item,
  ): Promise<Item[]> {
    const found: Item[] = [];
    let start: Record<string, unknown> | undefined;
    do {
      const page = await client.send(new QueryCommand({ ...input, TableName: tableName, ...(start ? { ExclusiveStartKey: start } : {}) }));
      found.push(...(page.Items ?? []).map(pick));
      start = page.LastEvaluatedKey;
    } while (start && found.length < enough);
    return found;
  }

  return {
    record,
    find,
    async ofEvent(event) {
      const input = {
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': `event#${event}`, ':prefix': 'response#' },
        ConsistentRead: true,
      };
      return query(input, Number.POSITIVE_INFINITY, (item) => item.entry as Entry);
    },
    async list({ fromMs, toMs, limit }) {
      const found: Summary[] = [];
      for (let hour = Math.floor((toMs - 1) / HOUR_MS) * HOUR_MS; hour > fromMs - HOUR_MS && found.length < limit; hour -= HOUR_MS) {
        const shards = await Promise.all(
          Array.from({ length: SHARDS }, (_, shard) =>
            query(
              {
                IndexName: LISTING_INDEX,
                KeyConditionExpression: '#listing = :listing AND #at BETWEEN :from AND :to',
                ExpressionAttributeNames: { '#listing': 'listing', '#at': 'at' },
                ExpressionAttributeValues: {
                  ':listing': partitionOf(hour, shard),
                  ':from': sortOf(fromMs, ''),
                  ':to': sortOf(toMs - 1, '~'),
                },
                ScanIndexForward: false,
                Limit: limit,
              },
              limit,
              (item) => item.summary as Summary,
            ),
          ),
        );
        found.push(...shards.flat().sort((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1)));
      }
      return found.slice(0, limit);
    },
  };
}

function keyOf(id: string): { pk: string; sk: string } {
  const [event = '', action = ''] = id.split('-');
  return { pk: `event#${event}`, sk: `response#${action}` };
}

function partitionOf(ms: number, shard: number): string {
  return `${new Date(ms).toISOString().slice(0, 13)}#${shard}`;
}

/** ISO times of one length sort as text. */
function sortOf(ms: number, id: string): string {
  return `${new Date(ms).toISOString()}#${id}`;
}

function shardOf(event: string): number {
  return Number.parseInt(event.slice(0, 8), 16) % SHARDS;
}
