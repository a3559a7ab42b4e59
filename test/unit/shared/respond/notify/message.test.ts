import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guardSummaries } from '../../../../../shared/respond/guard/index.ts';
import { messageFor } from '../../../../../shared/respond/notify/message.ts';
import type { Notice } from '../../../../../shared/respond/notify/notice.ts';
import { entryOf } from '../../../../support/entry.ts';

const notice = (about: Notice['about'], text?: string): Notice => ({
  channel: 'c',
  about,
  state: 'due',
  attempts: 0,
  ...(text === undefined ? {} : { text }),
});
const object = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod', name: 'web' };
const patched = entryOf({
  steps: [{ effect: { verb: 'patch', object, uid: 'u', resourceVersion: '1', patch: {}, before: {} }, state: 'done' }],
});

describe('a message', () => {
  it('asks for approval with the very commands', () => {
    const entry = entryOf({ status: 'awaiting-approval', approveByMs: Date.parse('2026-11-21T09:25:00Z') });
    const { text, commands, id, response } = messageFor(entry, notice('awaiting-approval'), 'prod');
    expect(id).toBe(`${entry.id}/awaiting-approval`);
    expect(text.split('\n')[0]).toBe('Asks whether to isolate pods prod/web');
    expect(text).toContain('answer by: 2026-11-21T09:25:00.000Z');
    expect(commands.approve).toBe(`tiercel approve ${entry.id} --stage prod --kubeconfig ~/.kube/config`);
    expect(commands.deny).toBe(`tiercel deny ${entry.id} --stage prod`);
    expect(commands.undo).toBeUndefined();
    for (const command of Object.values(commands)) expect(text.split('\n')).toContain(command);
    expect(response).toMatchObject({ status: 'awaiting-approval', user: 'mallory', cluster: 'prod-1', target: 'pods prod/web' });
  });

  it('says why nothing was done: what said no, and what did not know', () => {
    const guards = [
      { guard: 'signed', verdict: 'unknown' as const, reason: 'no key' },
      { guard: 'fresh', verdict: 'refuse' as const, reason: 'two hours old' },
    ];
    const { text, response } = messageFor(entryOf({ status: 'refused', guards }), notice('refused'), undefined);
    expect(text).toContain('fresh: two hours old');
    expect(response.refusedBy.map(({ guard }) => guard)).toEqual(['signed', 'fresh']);
    expect(messageFor(entryOf({ status: 'planned', guards }), notice('planned'), undefined).response.refusedBy).toHaveLength(1);
  });

  it('says how to take back what was changed, and nothing of what was not', () => {
    expect(messageFor(patched, notice('done'), 'prod').commands.undo).toBe(
      `tiercel undo ${patched.id} --stage prod --kubeconfig ~/.kube/config`,
    );
    expect(messageFor(entryOf(), notice('done'), 'prod').commands).toEqual({ show: `tiercel journal show ${patched.id} --stage prod` });
  });

  it('tells the outcome it is about, also when the response has gone on since', () => {
    const { outcome, response, title } = messageFor(entryOf({ status: 'undone' }), notice('done'), 'prod');
    expect([outcome, response.status, title]).toEqual(['done', 'done', 'Done: isolate pods prod/web']);
  });

  it('says of a step its own words, or what the alert was about', () => {
    expect(messageFor(entryOf(), notice('step-0', 'mallory was here'), 'prod').title).toBe('mallory was here');
    expect(messageFor(entryOf(), notice('step-0'), 'prod').title).toBe('Attach/Exec Pod: pods prod/web');
  });

  it('keeps what a caller chose on its line, short, and out of the commands', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 3_000 }), (evil) => {
        const entry = entryOf({ user: evil, intent: evil, remark: evil, rules: [evil], caveats: [evil], steps: patched.steps });
        const { text, title, commands } = messageFor(entry, notice('step-1', evil), 'prod');
        expect(text.split('\n')).toHaveLength(1 + 7 + 2);
        expect(`${text}${title}`.replaceAll('\n', '')).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        expect(title.length).toBeLessThanOrEqual(1_001);
        for (const command of Object.values(commands))
          expect(command).toMatch(/^tiercel [a-z ]+[0-9a-f]{40}-[0-9a-f]{12} --stage prod[ \w~./-]*$/);
      }),
    );
  });

  it.each(['"\\', '😀', 'x'])('is never more than SNS and EventBridge take, whatever a caller chose: %s', (letter) => {
    const evil = letter.repeat(4_000);
    const guards = guardSummaries.map(({ name }) => ({ guard: name, verdict: 'refuse' as const, reason: evil }));
    const many = Array.from({ length: 500 }, () => evil);
    const target = { apiGroup: evil, apiVersion: 'v1', resource: evil, namespace: evil, name: evil };
    const entry = entryOf({
      status: 'refused',
      intent: evil,
      user: evil,
      cluster: evil,
      remark: evil,
      target,
      rules: many,
      caveats: many,
      guards,
    });
    const message = messageFor(entry, notice('refused'), 'prod');
    expect(message.response.rules.at(-1)).toBe('and 495 more');
    // As SNS gets it: JSON in JSON, and the text once more for e-mail.
    expect(Buffer.byteLength(JSON.stringify({ default: JSON.stringify(message), email: message.text }))).toBeLessThan(255 * 1024);
  });
});
