import * as z from 'zod';
import { checkTogether, ingestSettings } from '../../shared/flows/ingest-config.ts';
import { type Environment, readConfig } from '../../shared/platform/config.ts';

const schema = z.object({
  ...ingestSettings,
  /** Where undelivered events are parked; audit-archive reads them from there. */
  SPOOL_BUCKET: z.string().optional(),
  SPOOL_PREFIX: z.string().regex(/\/$/, 'expected a prefix that ends in a slash').default('spool/'),
});

export type AuditStreamConfig = z.output<typeof schema>;

/** @throws ConfigError with every problem at once. */
export function readAuditStreamConfig(environment: Environment = process.env): AuditStreamConfig {
  return readConfig('audit-stream', schema, environment, (set) =>
    checkTogether(set, ['SPOOL_BUCKET', 'QUARANTINE_BUCKET', 'IDEMPOTENCY_TABLE']),
  );
}
