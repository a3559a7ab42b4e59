import { describe, expect, it } from 'vitest';
import { listJournal, showEntry, turnMode } from '../../../../cli/respond/journal.ts';
import { systemClock } from '../../../../shared/platform/clock.ts';
import { createMemoryJournal, createMemoryModeSwitch } from '../../../../shared/respond/index.ts';
import { draft } from '../../../contract/journal.ts';

async function printed(work: (out: { write(text: string): void }) => Promise<void>): Promise<string> {
  let text = '';
  await work({
    write: (part) => {
      text += part;
    },
  });
  return text;
}

describe('tiercel journal', () => {
  it('lists responses, newest first, or says that there is none', async () => {
    const journal = createMemoryJournal(systemClock);
    expect(await printed((out) => listJournal(journal, { hours: 24, limit: 9 }, out))).toBe('no response in the last 24 h\n');
    const { entry } = await journal.record(draft());
    const text = await printed((out) => listJournal(journal, { hours: 24, limit: 9 }, out));
    expect(text).toContain('planned  remove-binding  prod-1  delete clusterrolebindings pwn');
    expect(text).toContain(entry.id);
    expect(JSON.parse(await printed((out) => listJournal(journal, { hours: 24, limit: 9, json: true }, out)))).toMatchObject({
      id: entry.id,
    });
  });

  it('shows one response with its guards and steps', async () => {
    const journal = createMemoryJournal(systemClock);
    const object = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web' };
    const { entry } = await journal.record(
      draft({
        steps: [{ effect: { verb: 'create', object, manifest: {} }, state: 'done', note: 'as planned' }],
        caveats: ['careful'],
        notices: [{ channel: 'security', about: 'done', state: 'due', attempts: 1, why: 'it answered 503' }],
      }),
    );
    const text = await printed((out) => showEntry(journal, entry.id, {}, out));
    for (const part of [
      'status    planned',
      'pass  fresh  the event is 1 s old',
      'done  create pods prod/web  as planned',
      'due  security  done  it answered 503',
      'note: careful',
    ])
      expect(text).toContain(part);
    await expect(printed((out) => showEntry(journal, 'unknown', {}, out))).rejects.toThrow('The journal has no response unknown');
  });
});

it('tiercel mode turns the switch, and says how it stands', async () => {
  const modeSwitch = createMemoryModeSwitch();
  expect(await printed((out) => turnMode(modeSwitch, undefined, {}, out))).toContain('nobody has turned the switch');
  expect(await printed((out) => turnMode(modeSwitch, undefined, { json: true }, out))).toBe('{"turned":null}\n');
  expect(await printed((out) => turnMode(modeSwitch, 'off', { why: 'drill' }, out))).toMatch(/^at most off, turned by .+: drill\n$/);
  expect(await modeSwitch.read()).toMatchObject({ mode: 'off', why: 'drill' });
  expect(JSON.parse(await printed((out) => turnMode(modeSwitch, undefined, { json: true }, out)))).toMatchObject({
    turned: { mode: 'off' },
  });
});
