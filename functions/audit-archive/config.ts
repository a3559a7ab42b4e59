import * as z from 'zod';
import { checkTogether, ingestSettings } from '../../shared/flows/ingest-config.ts';
import { type Environment, readConfig } from '../../shared/platform/config.ts';

const schema = z.object({
  ...ingestSettings,
  /** Objects under this prefix of this bucket come from the spool: stamped already, deleted once delivered. */
  SPOOL_BUCKET: z.string().optional(),
  SPOOL_PREFIX: z.string().regex(/\/$/, 'expected a prefix that ends in a slash').default('spool/'),
  /** Name of the queue that announces what lies in the spool; without it nobody looks after lost messages. */
  SPOOL_QUEUE: z.string().optional(),
  /** Remembers how far each object was read. May be the idempotency table. */
  CHECKPOINT_TABLE: z.string().optional(),
  /** Stage `local` only: objects are files, `<folder>/<bucket>/<key>`. */
  OBJECTS_DIR: z.string().optional(),
});

export type AuditArchiveConfig = z.output<typeof schema>;

/** @throws ConfigError with every problem at once. */
export function readAuditArchiveConfig(environment: Environment = process.env): AuditArchiveConfig {
  return readConfig('audit-archive', schema, environment, (set) => [
    ...checkTogether(set, ['QUARANTINE_BUCKET', 'IDEMPOTENCY_TABLE', 'CHECKPOINT_TABLE']),
    ...(set.OBJECTS_DIR === undefined || set.TIERCEL_STAGE === 'local'
      ? []
      : [{ name: 'OBJECTS_DIR', message: 'is for the stage `local` only: everywhere else objects lie in S3' }]),
  ]);
}
