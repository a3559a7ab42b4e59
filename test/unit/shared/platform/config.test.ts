import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { readAuditArchiveConfig } from '../../../../functions/audit-archive/config.ts';
import { readAuditStreamConfig } from '../../../../functions/audit-stream/config.ts';
import { ConfigError, readConfig } from '../../../../shared/platform/config.ts';

const good = {
  TIERCEL_STAGE: 'dev',
  FALCO_URL: 'https://falco.internal:9765/k8s-audit',
  SPOOL_BUCKET: 'own',
  QUARANTINE_BUCKET: 'own',
  IDEMPOTENCY_TABLE: 'claims',
  CHECKPOINT_TABLE: 'claims',
};

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('configuration of the ingest functions', () => {
  it('fills in the defaults', () => {
    expect(readAuditStreamConfig(good)).toMatchObject({
      DETECTION: 'falco',
      SPOOL_PREFIX: 'spool/',
      FALCO_MAX_EVENT_BYTES: 262_144,
      CLUSTERS: [],
    });
    expect(readAuditArchiveConfig(good)).toMatchObject({ QUARANTINE_PREFIX: 'quarantine/' });
  });

  it('takes an empty variable for one that is not set', () => {
    expect(problemsOf(() => readAuditStreamConfig({ ...good, SPOOL_BUCKET: '' }))).toEqual([
      'SPOOL_BUCKET: must be set (or STATE_DIR, in the stage `local`); it is not set.',
    ]);
  });

  it('names every problem at once, those of single variables and those between them', () => {
    const problems = problemsOf(() =>
      readAuditStreamConfig({
        TIERCEL_STAGE: 'dev',
        DETECTION: 'both',
        FALCO_MAX_EVENT_BYTES: '12 KB',
        QUARANTINE_PREFIX: 'q',
        STATE_DIR: 'x',
        CLUSTERS: '{',
      }),
    );
    expect(problems.map((problem) => problem.slice(0, problem.indexOf(':')))).toEqual([
      'DETECTION',
      'FALCO_MAX_EVENT_BYTES',
      'QUARANTINE_PREFIX',
      'CLUSTERS',
      'STATE_DIR',
    ]);
  });

  it('repeats no value that may be secret', () => {
    const schema = z.object({ API_KEY: z.string().max(3, 'expected three letters'), NAME: z.string().max(3, 'expected three letters') });
    expect(problemsOf(() => readConfig('x', schema, { API_KEY: 'hunter2', NAME: 'hunter2' }))).toEqual([
      'API_KEY: expected three letters; it is set to something else (not shown).',
      'NAME: expected three letters; it is "hunter2".',
    ]);
  });
});
