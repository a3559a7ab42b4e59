import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { createFolderReader, createFolderStore } from '../../../../shared/platform/object-store.ts';

const parent = mkdtempSync(join(tmpdir(), 'tiercel-objects-'));
const folder = join(parent, 'objects');
mkdirSync(join(folder, 'archive/audit'), { recursive: true });
writeFileSync(join(folder, 'archive/audit/one'), 'bytes');
writeFileSync(join(parent, 'objects-of-others'), 'not ours');
afterAll(() => rmSync(parent, { recursive: true, force: true }));

describe('objects in a folder', () => {
  const reader = createFolderReader(folder);

  it('are read by bucket and key, with the time they were written', async () => {
    const opened = await reader.open({ bucket: 'archive', key: 'audit/one', versionId: 'any' });
    expect((await buffer(opened!.bytes)).toString()).toBe('bytes');
    expect(Date.now() - opened!.lastModifiedMs!).toBeLessThan(60_000);
  });

  it.each(['audit/none', 'audit'])('are gone when there is no such file: %s', async (key) => {
    expect(await reader.open({ bucket: 'archive', key })).toBeUndefined();
  });

  it('are deleted, also twice', async () => {
    await createFolderStore(join(folder, 'spool')).putIfAbsent('two', Buffer.from('x'));
    await reader.remove({ bucket: 'spool', key: 'two' });
    await reader.remove({ bucket: 'spool', key: 'two' });
    expect(await reader.open({ bucket: 'spool', key: 'two' })).toBeUndefined();
  });

  it.each([
    ['archive', '../../objects-of-others'],
    ['..', 'objects-of-others'],
  ])('are never outside of the folder: %s %s', async (bucket, key) => {
    await expect(reader.open({ bucket, key })).rejects.toThrow(/Expected a key below the folder/);
    await expect(reader.remove({ bucket, key })).rejects.toThrow(/Expected a key below the folder/);
  });

  it('are not written outside either, nor beside it', async () => {
    await expect(createFolderStore(folder).putIfAbsent('../objects-of-others', Buffer.from('x'))).rejects.toThrow(/below the folder/);
  });
});
