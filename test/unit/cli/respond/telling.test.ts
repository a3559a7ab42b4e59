import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { operatorDeps, tellingFrom } from '../../../../cli/respond/cluster.ts';
import { systemClock } from '../../../../shared/platform/clock.ts';
import { createMemoryCluster } from '../../../support/memory-cluster.ts';

it('an operator tells the channels of the stage file, and nobody where there is none', () => {
  const { stage, channels } = tellingFrom('prod');
  expect([stage, ...channels!.keys()]).toEqual(['prod', 'on-call', 'security']);
  for (const unknown of [undefined, 'nowhere', '../../etc']) expect(tellingFrom(unknown)).toEqual({});
});

it('an operator keeps evidence in a folder, if one is named', async () => {
  const { client } = createMemoryCluster(systemClock);
  const set = {
    policies: [],
    protection: { namespaces: [], names: [], labels: [], namespaceLabels: [], nodes: [], users: [], groups: [] },
  };
  const folder = mkdtempSync(join(tmpdir(), 'tiercel-evidence-'));
  try {
    expect((await operatorDeps(set, client, 'table')).evidence).toBeUndefined();
    const { evidence } = await operatorDeps(set, client, 'table', { evidenceFolder: folder });
    expect(await evidence!.putIfAbsent('id/manifest.json', Buffer.from('{}'))).toBe('written');
    expect(readdirSync(join(folder, 'id'))).toEqual(['manifest.json']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
