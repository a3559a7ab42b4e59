import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { deployment } from '../../../../infra/stage/deployment.ts';
import { parseStage, readStage } from '../../../../infra/stage/read.ts';

const root = resolve(import.meta.dirname, '../../../..');
const STAGES = readdirSync(join(root, 'infra/stages')).map((file) => file.replace('.yml', ''));
const SMALLEST = "account: '111111111111'\nregion: eu-central-1\ndetection: embedded\nlogRetentionDays: 30\n";

describe('the log group of alerts', () => {
  it.each(STAGES)('is subscribed by nothing: %s', (name) => {
    const stage = deployment(readStage(name));
    const all = { ...stage.subscriptions.Resources, ...stage.archives.Resources };
    const subscribed = Object.values(all).flatMap(({ Type, Properties }) =>
      Type === 'AWS::Logs::SubscriptionFilter' ? [(Properties as { LogGroupName: string }).LogGroupName] : [],
    );
    expect(subscribed).not.toContain(stage.names.alertLogGroup);
  });

  it.each([
    ['alertLogGroups: [/tiercel/dev/alerts]', /alertLogGroups\.0: expected a log group that others write to/],
    ['alertLogGroups: [/aws/lambda/tiercel-dev-respond]', /they would feed on themselves/],
    [
      'clusters: [{ name: a, logGroup: /aws/lambda/tiercel-dev-auditStream }]',
      /clusters\.0\.logGroup: expected the log group of a control plane/,
    ],
  ])('cannot be made a source, nor any other that we write: %s', (line, message) => {
    expect(() => parseStage('s.yml', SMALLEST + line)).toThrow(message);
  });

  it('is not written in stage local', () => {
    expect(deployment(readStage('local')).alertLogGroup).toBe('');
  });
});
