import { describe, expect, it } from 'vitest';
import { noticeId, withNotices, withStatusNotice } from '../../../../../shared/respond/notify/notice.ts';
import { channelsToldBy } from '../../../../../shared/respond/notify/told-by.ts';
import type { Policy } from '../../../../../shared/respond/policy/schema.ts';
import { entryOf } from '../../../../support/entry.ts';

const due = (channel: string, about: 'done' | 'failed' | `step-${number}`) => ({ channel, about, state: 'due', attempts: 0 }) as const;
const patch = {
  verb: 'patch',
  object: { apiGroup: '', apiVersion: 'v1', resource: 'pods', name: 'p' },
  uid: 'u',
  resourceVersion: '1',
  patch: {},
  before: {},
} as const;
const steps = [{ effect: patch, state: 'done' }] as const;
const send = { effect: { verb: 'send', channels: ['a'] }, state: 'done' } as const;

describe('notices', () => {
  it('are one for each channel, with the text of a step', () => {
    expect(withNotices(entryOf(), 'done', ['a', 'b']).notices).toEqual([due('a', 'done'), due('b', 'done')]);
    expect(withNotices(entryOf(), 'step-1', ['a'], 'hello').notices).toEqual([{ ...due('a', 'step-1'), text: 'hello' }]);
    expect(noticeId(entryOf(), due('a', 'step-1'))).toBe(`${entryOf().id}/step-1`);
  });

  it('that are there stand, whatever became of them', () => {
    const sent = { ...due('a', 'done'), state: 'sent', attempts: 2 } as const;
    const entry = entryOf({ notices: [sent] });
    expect(withNotices(entry, 'done', ['a'])).toBe(entry);
    expect(withNotices(entry, 'done', ['a', 'b']).notices).toEqual([sent, due('b', 'done')]);
    expect(withNotices(entry, 'failed', ['a']).notices).toEqual([sent, due('a', 'failed')]);
    expect(withNotices(entryOf(), 'done', [])).not.toHaveProperty('notices');
  });

  it('of a status are made where the policy wants it told', () => {
    const notify = { on: ['done'], channels: ['a'] } as const;
    expect(withStatusNotice(entryOf({ steps, notify })).notices).toEqual([due('a', 'done')]);
    expect(withStatusNotice(entryOf({ steps, notify, status: 'failed' }))).not.toHaveProperty('notices');
    expect(withStatusNotice(entryOf({ steps }))).not.toHaveProperty('notices');
  });

  it('say nothing of a response that only said something', () => {
    const notify = { on: ['done', 'failed'], channels: ['a'] } as const;
    expect(withStatusNotice(entryOf({ steps: [send, send], notify }))).not.toHaveProperty('notices');
    expect(withStatusNotice(entryOf({ steps: [send, ...steps], notify })).notices).toEqual([due('a', 'done')]);
    expect(withStatusNotice(entryOf({ steps: [send], notify, status: 'failed' })).notices).toEqual([due('a', 'failed')]);
  });
});

it('a policy tells the channels of its `notify` and of its steps, each once', () => {
  const policy = (notify: unknown, actions: unknown) => ({ notify, actions }) as unknown as Policy;
  const steps = [
    { action: 'notify', with: { channels: ['b', 'c'] } },
    { action: 'label', with: { channels: ['not one'] } },
    { action: 'notify' },
  ];
  expect(channelsToldBy(policy({ channels: ['a', 'b'] }, steps))).toEqual(['a', 'b', 'c']);
  expect(channelsToldBy(policy(undefined, steps))).toEqual(['b', 'c']);
  expect(channelsToldBy(policy(undefined, []))).toEqual([]);
});
