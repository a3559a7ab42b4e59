import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand } from '@aws-sdk/lib-dynamodb';
import { TiercelError } from '../platform/errors.ts';
import { MODES, type Mode } from './mode.ts';

export interface Switched {
  readonly mode: Mode;
  /** Who turned it, when (ISO 8601) and why. */
  readonly by: string;
  readonly at: string;
  readonly why: string;
}

/** The run-time switch: lowers what the deployment allows, at once and for every policy. Nothing stored means that nobody lowered anything. */
export interface ModeSwitch {
  /** @throws when it cannot be read: then nothing may be done. */
  read(): Promise<Switched | undefined>;
  turn(to: Switched): Promise<void>;
}

/** A switch of one process. */
export function createMemoryModeSwitch(): ModeSwitch {
  let current: Switched | undefined;
  return {
    read: async () => current,
    turn: async (to) => {
      current = to;
    },
  };
}

const KEY = { pk: 'switch', sk: 'mode' };

/** The switch as one item of the journal's table, read once per invocation. */
export function createDynamoDBModeSwitch(options: { readonly client: DynamoDBClient; readonly tableName: string }): ModeSwitch {
  const client = DynamoDBDocumentClient.from(options.client);
  return {
    async read() {
      const { Item } = await client.send(new GetCommand({ TableName: options.tableName, Key: KEY, ConsistentRead: true }));
      if (!Item) return undefined;
      if (!(MODES as readonly unknown[]).includes(Item.mode)) throw new UnreadableSwitchError(Item.mode);
      return { mode: Item.mode as Mode, by: String(Item.by), at: String(Item.at), why: String(Item.why) };
    },
    async turn(to) {
      await client.send(new PutCommand({ TableName: options.tableName, Item: { ...KEY, ...to } }));
    },
  };
}

class UnreadableSwitchError extends TiercelError {
  constructor(found: unknown) {
    super(
      'SWITCH_UNREADABLE',
      `Expected the run-time switch to say one of ${MODES.join(', ')}, it says ${JSON.stringify(found)}. Turn it with \`tiercel mode\`; until then nothing is done.`,
    );
  }
}
