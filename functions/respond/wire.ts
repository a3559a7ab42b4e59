import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { RespondDeps } from '../../shared/flows/respond.ts';
import { createDynamoDBOnce } from '../../shared/platform/aws/once.ts';
import { systemClock } from '../../shared/platform/clock.ts';
import { createMemoryOnce } from '../../shared/platform/once.ts';
import { actionCatalogue, createDynamoDBJournal, createMemoryJournal, loadPolicies, type PolicyFile } from '../../shared/respond/index.ts';
import { type RespondConfig, readRespondConfig } from './config.ts';

/** SQS keeps a message for 14 days at most; two more for the time it is in flight. */
const REMEMBER_ALERTS_SECONDS = 16 * 86_400;

export const logger = new Logger({ serviceName: 'respond' });

/** Cold start: configuration → policies → clients. @throws ConfigError, PolicyError */
export function wire(config: RespondConfig = readRespondConfig()): RespondDeps {
  const policies = loadPolicies(readPolicyFiles(config.POLICY_PATH), actionCatalogue);
  return { clock: systemClock, policies, mode: config.MODE, ...remember(config) };
}

function remember(config: RespondConfig): Pick<RespondDeps, 'journal' | 'once'> {
  const { JOURNAL_TABLE, IDEMPOTENCY_TABLE } = config;
  if (config.JOURNAL === 'memory' || !JOURNAL_TABLE || !IDEMPOTENCY_TABLE) {
    return { journal: createMemoryJournal(systemClock), once: createMemoryOnce(systemClock) };
  }
  const client = new DynamoDBClient({});
  return {
    journal: createDynamoDBJournal({
      client,
      tableName: JOURNAL_TABLE,
      clock: systemClock,
      retentionSeconds: config.JOURNAL_RETENTION_DAYS * 86_400,
    }),
    once: createDynamoDBOnce({
      client,
      tableName: IDEMPOTENCY_TABLE,
      keyPrefix: 'respond',
      expiresAfterSeconds: REMEMBER_ALERTS_SECONDS,
      clock: systemClock,
    }),
  };
}

/** Lambda starts with the package's root as working directory; `*.test.yaml` files are for `tiercel policy test`. */
function readPolicyFiles(folder: string): readonly PolicyFile[] {
  return readdirSync(resolve(folder))
    .filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'))
    .sort()
    .map((name) => ({ path: join(folder, name), text: readFileSync(resolve(folder, name), 'utf8') }));
}
