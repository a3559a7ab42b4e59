import * as z from 'zod';
import { type Environment, jsonList, readConfig } from '../../shared/platform/config.ts';

const target = z.union([
  z.strictObject({ cluster: z.string().min(1), logGroup: z.string().min(1), region: z.string().min(1) }),
  z.strictObject({ cluster: z.string().min(1), prefix: z.string().regex(/\/$/) }),
]);

const EXPECTED_TARGETS = 'expected JSON: [{"cluster": …, "logGroup": …, "region": …} or {"cluster": …, "prefix": "…/"}]';

/** The environment of the heartbeat function. */
const schema = z.object({
  TIERCEL_STAGE: z.string('expected the name of the stage'),
  /** Where each cluster's beat goes in: its log group, or a prefix of the archive for a cluster whose log group is another account's. */
  HEARTBEATS: jsonList(target, EXPECTED_TARGETS),
  /** Where beats are noted down: see infra/resources/tables.yml. */
  HEARTBEAT_TABLE: z.string('expected the name of a DynamoDB table'),
  /** The bucket of the prefixes. */
  ARCHIVE_BUCKET: z.string('expected the name of a bucket'),
});

export type HeartbeatConfig = z.output<typeof schema>;

/** @throws ConfigError with every problem at once. */
export function readHeartbeatConfig(environment: Environment = process.env): HeartbeatConfig {
  return readConfig('heartbeat', schema, environment);
}
