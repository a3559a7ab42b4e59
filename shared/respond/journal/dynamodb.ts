import { ConditionalCheckFailedException, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Clock } from '../../platform/clock.ts';
import {
  type Draft,
  type Entry,
  getsFurther,
  type Journal,
  JournalContentionError,
  rulesToAdd,
  type Summary,
  summaryOf,
} from './journal.ts';

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
    return Item && entryOf(Item);
  }

  /** Inserts, or replaces the version it says; rules are only ever added to. @throws ConditionalCheckFailedException */
  async function write(entry: Entry, replaces: number | undefined): Promise<Entry> {
    const { rules, ...stored } = entry;
    const { Attributes } = await client.send(
      new UpdateCommand({
        TableName: tableName,
        Key: keyOf(entry.id),
        UpdateExpression:
          'SET #version = :version, entry = :entry, listing = :listing, #at = :at, summary = :summary, expiration = :expiration ADD #rules :rules',
        ConditionExpression: replaces === undefined ? 'attribute_not_exists(pk)' : '#version = :replaces',
        ExpressionAttributeNames: { '#version': 'version', '#rules': 'rules', '#at': 'at' },
        ExpressionAttributeValues: {
          ':version': entry.version,
          ':entry': JSON.stringify(stored),
          ':listing': partitionOf(entry.createdAtMs, shardOf(entry.event)),
          ':at': sortOf(entry.createdAtMs, entry.id),
          ':summary': summaryOf(entry),
          ':expiration': Math.floor(entry.createdAtMs / 1000) + options.retentionSeconds,
          ':rules': new Set(rules),
          ...(replaces === undefined ? {} : { ':replaces': replaces }),
        },
        ReturnValues: 'ALL_NEW',
      }),
    );
    return entryOf(Attributes!);
  }

  async function addRules(existing: Entry, rules: readonly string[]): Promise<Entry> {
    const added = rulesToAdd(existing, rules);
    if (added.length === 0) return existing;
    const { Attributes } = await client.send(
      new UpdateCommand({
        TableName: tableName,
        Key: keyOf(existing.id),
        UpdateExpression: 'ADD #rules :rules',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeNames: { '#rules': 'rules' },
        ExpressionAttributeValues: { ':rules': new Set(added) },
        ReturnValues: 'ALL_NEW',
      }),
    );
    return entryOf(Attributes!);
  }

  async function record(draft: Draft): Promise<{ entry: Entry; won: boolean }> {
    const now = clock.now();
    try {
      return { entry: await write({ ...draft, version: 1, createdAtMs: now, updatedAtMs: now }, undefined), won: true };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const existing = await find(draft.id);
      if (!existing) continue;
      if (!getsFurther(existing.status, draft.status)) return { entry: await addRules(existing, draft.rules), won: false };
      try {
        const entry = { ...draft, version: existing.version + 1, createdAtMs: existing.createdAtMs, updatedAtMs: clock.now() };
        return { entry: await write(entry, existing.version), won: true };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    }
    throw new JournalContentionError(draft.id);
  }

  async function save(entry: Entry): Promise<Entry> {
    try {
      return await write({ ...entry, version: entry.version + 1, updatedAtMs: clock.now() }, entry.version);
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) throw new JournalContentionError(entry.id, error);
      throw error;
    }
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
    save,
    join: addRules,
    find,
    async ofEvent(event) {
      const input = {
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': `event#${event}`, ':prefix': 'response#' },
        ConsistentRead: true,
      };
      return query(input, Number.POSITIVE_INFINITY, entryOf);
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

function entryOf(item: Record<string, unknown>): Entry {
  return { ...(JSON.parse(item.entry as string) as Omit<Entry, 'rules'>), rules: [...(item.rules as Set<string>)].sort() };
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
