import { readdirSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAuditArchiveConfig } from '../../../../functions/audit-archive/config.ts';
import { readAuditStreamConfig } from '../../../../functions/audit-stream/config.ts';
import { readHeartbeatConfig } from '../../../../functions/heartbeat/config.ts';
import { readRespondConfig } from '../../../../functions/respond/config.ts';
import { deployment } from '../../../../infra/stage/deployment.ts';
import { functionSettings } from '../../../../infra/stage/function-settings.ts';
import { readStage } from '../../../../infra/stage/read.ts';

const folder = resolve(import.meta.dirname, '../../../stages');
const stages = readdirSync(folder).map((file) => basename(file, '.yml'));

// `.ci/stages.mjs` packages them, and the linters read what comes of it.
describe.each(stages)('the unusual stage %s', (name) => {
  it('gives each function a configuration that it takes', () => {
    const stage = deployment(readStage(name, folder));
    const environment = (key: string) => functionSettings(key, stage).environment;
    expect(readAuditStreamConfig(environment('auditStream')).CLUSTERS).toHaveLength(stage.clusters.length);
    expect(readAuditArchiveConfig(environment('auditArchive')).CLUSTERS).toHaveLength(stage.clusters.length);
    expect(readRespondConfig(environment('respond')).NOTIFY_CHANNELS).toHaveLength(stage.notify.length);
    expect(readHeartbeatConfig(environment('heartbeat')).HEARTBEATS.length).toBeLessThanOrEqual(stage.clusters.length);
  });
});

it('there are enough of them', () => {
  expect(stages.length).toBeGreaterThanOrEqual(12);
});
