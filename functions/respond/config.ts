import * as z from 'zod';
import { type Environment, readConfig, type SettingProblem } from '../../shared/platform/config.ts';

const tableName = z.string().regex(/^[a-zA-Z0-9_.-]{3,255}$/, 'expected the name of a DynamoDB table');

/** The environment of the respond function. */
const schema = z.object({
  /** The stage this function belongs to; `local` unlocks what needs no AWS. */
  TIERCEL_STAGE: z.string('expected the name of the stage'),
  /** The most any response may do. */
  MODE: z.enum(['off', 'shadow'], 'expected `off` or `shadow`').default('shadow'),
  /** `memory` forgets with the process, and is for stage `local` only. */
  JOURNAL: z.enum(['dynamodb', 'memory'], 'expected `dynamodb`, or `memory` in stage `local`').default('dynamodb'),
  /** The table described in shared/respond/journal/README.md. */
  JOURNAL_TABLE: tableName.optional(),
  /** How long journal entries are kept, days. */
  JOURNAL_RETENTION_DAYS: z.coerce.number('expected a number of days').int().min(1).max(3650).default(400),
  /** The table of Powertools idempotency. */
  IDEMPOTENCY_TABLE: tableName.optional(),
  /** Folder of the policy files, relative to the package's root. */
  POLICY_PATH: z.string().default('rules/respond'),
});

export type RespondConfig = z.output<typeof schema>;

/** @throws ConfigError with every problem at once. */
export function readRespondConfig(environment: Environment = process.env): RespondConfig {
  return readConfig('respond', schema, environment, checkTogether);
}

function checkTogether(set: Environment): readonly SettingProblem[] {
  if (set.JOURNAL === 'memory') {
    if (set.TIERCEL_STAGE === 'local') return [];
    return [
      { name: 'JOURNAL', message: 'expected `dynamodb`, because `memory` forgets every response; it is for TIERCEL_STAGE=local only' },
    ];
  }
  return ['JOURNAL_TABLE', 'IDEMPOTENCY_TABLE']
    .filter((name) => set[name] === undefined)
    .map((name) => ({ name, message: 'expected the name of a DynamoDB table' }));
}
