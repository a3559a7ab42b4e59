import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { journalTable, operatorDeps, tellingFrom } from '../../../../cli/respond/cluster.ts';
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
    expect((await operatorDeps(set, client, { tableName: 'table' })).evidence).toBeUndefined();
    const { evidence } = await operatorDeps(set, client, { tableName: 'table' }, { evidenceFolder: folder });
    expect(await evidence!.putIfAbsent('id/manifest.json', Buffer.from('{}'))).toBe('written');
    expect(readdirSync(join(folder, 'id'))).toEqual(['manifest.json']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('finds the journal of a stage in its own region, and takes a table as it is named', () => {
  expect(journalTable({ stage: 'prod' })).toEqual({ tableName: 'tiercel-prod-journal', region: 'eu-central-1' });
  expect(journalTable({ stage: 'nowhere' })).toEqual({ tableName: 'tiercel-nowhere-journal' });
  expect(journalTable({ table: 'mine' })).toEqual({ tableName: 'mine' });
  expect(() => journalTable({})).toThrow('expected --stage NAME or --table NAME');
  expect(() => journalTable({ stage: '../../etc' })).toThrow('expected a stage name');
});
