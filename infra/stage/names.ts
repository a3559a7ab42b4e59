import type { NamedStage } from './read.ts';

/**
 * Every name a person or another program has to know, as text: nothing has to be asked of CloudFormation.
 * Buckets carry account and region because their names are shared by all of AWS.
 */
export function names({ name, account, region, archiveBucket }: Pick<NamedStage, 'name' | 'account' | 'region' | 'archiveBucket'>) {
  const bucket = (purpose: string) => `tiercel-${name}-${purpose}-${account}-${region}`;
  return {
    archiveBucket: archiveBucket?.name ?? bucket('archive'),
    spoolBucket: bucket('spool'),
    quarantineBucket: bucket('quarantine'),
    evidenceBucket: bucket('evidence'),
    evidencePrefix: 'evidence/',
    /** Below it, one folder per account, region and cluster. The only part of the archive bucket that notifies. */
    archivePrefix: 'audit/',
    /** History of clusters that are delivered from the stream; not announced. */
    historyPrefix: 'history/',
    /** What Firehose could not process; not announced. */
    archiveErrorPrefix: 'firehose-errors/',
    spoolPrefix: 'spool/',
    quarantinePrefix: 'quarantine/',
    /** Where Lambda puts invocations that failed for good; the service chooses this prefix and appends the function's name. */
    failedInvocationsPrefix: 'aws/lambda/async/',
    idempotencyTable: `tiercel-${name}-idempotency`,
    checkpointTable: `tiercel-${name}-checkpoints`,
    journalTable: `tiercel-${name}-journal`,
    heartbeatTable: `tiercel-${name}-heartbeats`,
    archiveQueue: `tiercel-${name}-archive`,
    spoolQueue: `tiercel-${name}-spool`,
    respondQueue: `tiercel-${name}-respond`,
    spoolSweep: `tiercel-${name}-spool-sweep`,
    expiryGroup: `tiercel-${name}-expiry`,
    expiryRole: `tiercel-${name}-expiry`,
    archiveWriterRole: `tiercel-${name}-archive-writer`,
    logsToArchiveRole: `tiercel-${name}-logs-to-archive`,
    alertLogGroup: `/tiercel/${name}/alerts`,
    macKeySecret: `tiercel/${name}/mac-key`,
    auditStream: `tiercel-${name}-auditStream`,
    auditArchive: `tiercel-${name}-auditArchive`,
    respond: `tiercel-${name}-respond`,
    heartbeat: `tiercel-${name}-heartbeat`,
    rotateMacKey: `tiercel-${name}-rotateMacKey`,
  } as const;
}

export type StageNames = ReturnType<typeof names>;
