import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readRespondConfig } from '../../../../functions/respond/config.ts';
import { wire } from '../../../../functions/respond/wire.ts';
import { ownCall } from '../../../../shared/respond/index.ts';
import { bindingAlert } from '../../../support/alerts.ts';

const folder = mkdtempSync(join(tmpdir(), 'tiercel-policies-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(
  join(folder, 'p.yaml'),
  '- policy: p\n  description: d\n  match: {rules: [r]}\n  actions: [{action: isolate-pod}, {action: notify, with: {channels: [on-call]}}]\n  notify: [security]\n',
);

const SLACK = {
  name: 'security',
  kind: 'slack',
  secretArn: 'arn:aws:secretsmanager:eu-central-1:111111111111:secret:slack-AbCdEf',
};
const environment = (channels: unknown) => ({
  TIERCEL_STAGE: 'local',
  JOURNAL: 'memory',
  POLICY_PATH: folder,
  EVIDENCE_FOLDER: join(folder, 'evidence'),
  NOTIFY_CHANNELS: typeof channels === 'string' ? channels : JSON.stringify(channels),
});

describe('the respond function at its cold start', () => {
  it('does not start when a policy tells a channel that there is not', () => {
    expect(() => wire(readRespondConfig(environment([SLACK])))).toThrow(
      'NOTIFY_CHANNELS: policy p tells on-call, which is not among them; add it to the stage file.',
    );
  });

  it('opens what the stage names, and asks nobody before there is something to say', async () => {
    const { ready } = wire(readRespondConfig(environment([SLACK, { ...SLACK, name: 'on-call' }])));
    const { channels, evidence, stage } = await ready();
    expect([stage, ...channels!.keys()]).toEqual(['local', 'security', 'on-call']);
    expect(await evidence!.putIfAbsent('id/manifest.json', Buffer.from('{}'))).toBe('written');
  });

  it('knows its own calls also where it takes the role of another account', async () => {
    const role = (account: string) => `arn:aws:iam::${account}:role/tiercel-respond`;
    const clusters = [
      { name: 'a', region: 'eu-west-1' },
      { name: 'b', region: 'eu-west-1', roleArn: role('444455556666') },
    ];
    const settings = { ...environment([SLACK, { ...SLACK, name: 'on-call' }]), CLUSTERS: JSON.stringify(clusters) };
    const { principal } = await wire(readRespondConfig({ ...settings, OWN_ROLE_ARN: role('111122223333') })).ready();
    const by = (account: string) =>
      ownCall(bindingAlert({ 'ka.user.name': `arn:aws:sts::${account}:assumed-role/tiercel-respond/tiercel-respond` }), principal);
    expect(['111122223333', '444455556666', '777788889999'].map(by)).toEqual([true, true, false]);
  });

  it.each([
    ['text', '{', /NOTIFY_CHANNELS: expected JSON: \[\{"name"/],
    ['an unknown kind', [{ name: 'a', kind: 'pager' }], /NOTIFY_CHANNELS/],
    ['an address instead of a secret', [{ name: 'a', kind: 'slack', url: 'https://hooks.slack.com/x' }], /NOTIFY_CHANNELS/],
  ])('says what is wrong with channels: %s', (_what, channels, message) => {
    expect(() => readRespondConfig(environment(channels))).toThrow(message);
  });
});
