import { describe, expect, it } from 'vitest';
import { alarms } from '../../../../infra/stage/alarms.ts';
import { deployment } from '../../../../infra/stage/deployment.ts';
import { parseStage } from '../../../../infra/stage/read.ts';
import { HEARTBEAT_LOG_STREAM } from '../../../../shared/flows/heartbeat-event.ts';

const stageWith = (more: string) => ({
  name: 'test',
  ...parseStage('test.yml', `account: '111111111111'\nregion: eu-central-1\ndetection: embedded\nlogRetentionDays: 30\n${more}`),
});
const FOREIGN =
  "{ name: f, account: '222222222222', region: eu-west-1, path: archive, archiveWriterArn: 'arn:aws:iam::222222222222:role/w' }";
const beatsOf = (clusters: string) => deployment(stageWith(`clusters: [${clusters}]`)).heartbeats;

describe('a cluster whose Firehose gathers for long', () => {
  const cluster = (more: string) => `clusters: [{ name: a, path: archive, firehoseBufferSeconds: ${more} }]`;

  it('gets no beat that would come too late to count', () => {
    expect(() => stageWith(cluster('601'))).toThrow(/firehoseBufferSeconds: expected at most 600, got 601: beats of a /);
    for (const fine of ['600', '900, heartbeat: false']) expect(() => stageWith(cluster(fine))).not.toThrow();
    // Nobody waits for this one.
    expect(() => stageWith('clusters: [{ name: a, path: stream+store, firehoseBufferSeconds: 900 }]')).not.toThrow();
    expect(() => stageWith(`heartbeat: false\n${cluster('900')}`)).not.toThrow();
  });
});

describe('where beats go in', () => {
  it('is the log group on every road of our own account, in its own region', () => {
    const { targetsJson, streamArns, objectArns } = beatsOf(
      '{ name: a }, { name: b, path: stream+store, eksName: x }, { name: c, path: archive, region: us-east-1, logGroup: custom }',
    );
    expect(JSON.parse(targetsJson)).toEqual([
      { cluster: 'a', logGroup: '/aws/eks/a/cluster', region: 'eu-central-1' },
      { cluster: 'b', logGroup: '/aws/eks/x/cluster', region: 'eu-central-1' },
      { cluster: 'c', logGroup: 'custom', region: 'us-east-1' },
    ]);
    expect(streamArns).toEqual([
      `arn:aws:logs:eu-central-1:111111111111:log-group:/aws/eks/a/cluster:log-stream:${HEARTBEAT_LOG_STREAM}`,
      `arn:aws:logs:eu-central-1:111111111111:log-group:/aws/eks/x/cluster:log-stream:${HEARTBEAT_LOG_STREAM}`,
      `arn:aws:logs:us-east-1:111111111111:log-group:custom:log-stream:${HEARTBEAT_LOG_STREAM}`,
    ]);
    expect(objectArns).toEqual([]);
  });

  it('is a folder of its own in the archive for a cluster of another account', () => {
    const { targetsJson, objectArns, writesStreams, writesObjects } = beatsOf(FOREIGN);
    expect(JSON.parse(targetsJson)).toEqual([{ cluster: 'f', prefix: 'audit/222222222222/eu-west-1/f/' }]);
    expect(objectArns).toEqual([
      // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own spelling
      { 'Fn::Sub': '${ArchiveBucket.Arn}/audit/222222222222/eu-west-1/f/kube-apiserver-audit-tiercel-heartbeat/*' },
    ]);
    expect([writesStreams, writesObjects]).toEqual(['none', 'some']);
  });

  it('is nowhere for a cluster that wants none', () => {
    expect(JSON.parse(beatsOf('{ name: a, heartbeat: false }, { name: b }').targetsJson)).toMatchObject([{ cluster: 'b' }]);
    const off = deployment(stageWith('heartbeat: false\nclusters: [{ name: a }]')).heartbeats;
    expect(off).toMatchObject({ targetsJson: '[]', state: 'DISABLED', writesStreams: 'none', writesObjects: 'none' });
  });
});

describe('alarms of the heartbeat', () => {
  const named = (clusters: string) =>
    Object.values(alarms(stageWith(`clusters: [${clusters}]`))).map(({ Properties }) => Properties as Record<string, unknown>);

  it('ring for each cluster that beats, and count no reading as ringing', () => {
    const missing = named(`{ name: a }, { name: b, heartbeat: false }, ${FOREIGN}`).filter(
      ({ MetricName }) => MetricName === 'HeartbeatsReturned',
    );
    expect(missing.map(({ Dimensions }) => Dimensions)).toEqual(
      ['a', 'f'].map((cluster) => [
        { Name: 'service', Value: 'respond' },
        { Name: 'stage', Value: 'test' },
        { Name: 'cluster', Value: cluster },
      ]),
    );
    for (const alarm of missing)
      expect(alarm).toMatchObject({ TreatMissingData: 'breaching', ComparisonOperator: 'LessThanThreshold', Threshold: 1 });
  });

  it('leave the alarm of a silent log no quieter: more events are wanted than beats can be', () => {
    const silent = named('{ name: a }').find(({ MetricName }) => MetricName === 'IncomingLogEvents');
    // Two in a period when rounds drift, and as many again from the one more attempt that each has.
    expect(silent?.Threshold).toBeGreaterThan(4);
  });
});

it('names the rules of a rollout behind those they replace', () => {
  const [old, next] = ['a'.repeat(64), 'b'.repeat(64)];
  const text = `account: '111111111111'\nregion: eu-central-1\ndetection: falco\nlogRetentionDays: 30\nfalco: { url: 'https://f/k', rules: [x, y], rulesDigest: ${old}, rollout: { rules: [z], rulesDigest: ${next} } }`;
  const { falcoSettings } = deployment({ name: 'test', ...parseStage('test.yml', text) });
  expect(falcoSettings).toMatchObject({ rules: 'x,y;z', rulesDigest: `${old};${next}` });
});
