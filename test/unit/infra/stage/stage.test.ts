import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAuditArchiveConfig } from '../../../../functions/audit-archive/config.ts';
import { readAuditStreamConfig } from '../../../../functions/audit-stream/config.ts';
import { readHeartbeatConfig } from '../../../../functions/heartbeat/config.ts';
import { readRespondConfig } from '../../../../functions/respond/config.ts';
import { deployment } from '../../../../infra/stage/deployment.ts';
import { functionKeys, functionSettings } from '../../../../infra/stage/function-settings.ts';
import { FIXED_RESOURCES, madeResources } from '../../../../infra/stage/limits.ts';
import { parseStage, readStage } from '../../../../infra/stage/read.ts';
import { subscriptions } from '../../../../infra/stage/subscriptions.ts';

const root = resolve(import.meta.dirname, '../../../..');
const STAGES = readdirSync(join(root, 'infra/stages')).map((file) => file.replace('.yml', ''));

const SMALLEST = `
account: '111111111111'
region: eu-central-1
detection: embedded
logRetentionDays: 30
`;

const stageWith = (more: string) => ({ name: 'test', ...parseStage('test.yml', SMALLEST + more) });

describe('stage files', () => {
  it('has the four that the documentation names', () => {
    expect(STAGES.sort()).toEqual(['dev', 'local', 'prod', 'staging']);
  });

  it('reads the smallest stage: shadow, tables protected', () => {
    expect(stageWith('')).toMatchObject({ mode: 'shadow', deletionProtection: true, clusters: [] });
  });

  it('names everything that is wrong at once', () => {
    expect(() =>
      parseStage(
        'infra/stages/bad.yml',
        `
account: 12
region: mars
detection: falco
logRetentionDays: 8
moed: enforce
clusters:
  - { name: a }
  - { name: a, path: archive }
  - { name: b, region: us-east-1 }
`,
      ),
    ).toThrow(
      /infra\/stages\/bad\.yml cannot be deployed, \d settings are wrong:[\s\S]*account: .*\n[\s\S]*region: expected an AWS region[\s\S]*logRetentionDays: expected one of 1, 3[\s\S]*moed/,
    );
  });

  it.each([
    ['detection: falco without a webhook', SMALLEST.replace('embedded', 'falco'), /falco: expected the webhook/],
    ['plain http', `${SMALLEST.replace('embedded', 'falco')}falco: { url: 'http://falco:9765/k8s-audit' }`, /falco\.url: expected https/],
    [
      'a webhook without its path',
      `${SMALLEST.replace('embedded', 'falco')}falco: { url: 'https://falco:9765' }`,
      /falco\.url: expected the path/,
    ],
    [
      'a webhook with a slash too many',
      `${SMALLEST.replace('embedded', 'falco')}falco: { url: 'https://f/k8s-audit/' }`,
      /falco\.url: .*404/,
    ],
    [
      'a webhook that is no URL',
      `${SMALLEST.replace('embedded', 'falco')}falco: { url: falco, loadBalancer: { targets: [sg-0a] } }`,
      /falco\.url: expected an http or https URL/,
    ],
    [
      'a second road for one cluster',
      `${SMALLEST}clusters: [{ name: a }, { name: a, path: archive }]`,
      /clusters\.1\.name: a is already listed at clusters\.0/,
    ],
    [
      'a stream from another region',
      `${SMALLEST}clusters: [{ name: a, region: us-east-1 }]`,
      /clusters\.0\.path: a is in another account or region/,
    ],
    [
      'a foreign archive that nobody may write',
      `${SMALLEST}clusters: [{ name: a, account: '222222222222', path: archive }]`,
      /clusters\.0\.archiveWriterArn: expected the role/,
    ],
    [
      'rules without their digest',
      `${SMALLEST.replace('embedded', 'falco')}falco: { url: 'https://f/k', rules: [a] }`,
      /rules and rulesDigest together/,
    ],
    [
      'a rollout to nowhere from nowhere',
      `${SMALLEST.replace('embedded', 'falco')}falco: { url: 'https://f/k', rollout: { rules: [b], rulesDigest: ${'b'.repeat(64)} } }`,
      /falco\.rollout: expected rules and rulesDigest as well/,
    ],
    [
      'a pre-filter that nothing vouches for',
      `${SMALLEST.replace('embedded', 'falco')}heartbeat: false\nfalco: { url: 'https://f/k', rules: [a], rulesDigest: ${'a'.repeat(64)} }`,
      /heartbeat: expected true, because falco\.rules/,
    ],
    ['no YAML', 'account: [', /is not YAML/],
  ])('refuses %s', (_, text, message) => {
    expect(() => parseStage('s.yml', text)).toThrow(message);
  });

  it('allows plain http when it is asked for', () => {
    const text = `${SMALLEST.replace('embedded', 'falco')}falco: { url: 'http://falco:9765/k8s-audit', allowPlainHttp: true }`;
    expect(parseStage('s.yml', text).falco?.url).toBe('http://falco:9765/k8s-audit');
  });

  it('says which stages there are', () => {
    expect(() => readStage('production')).toThrow(/infra\/stages\/production\.yml does not exist\. There are dev\.yml/);
    expect(() => readStage('../dev')).toThrow(/Expected a stage name/);
  });

  it('tells the audit functions about a log group what its name does not say', () => {
    const { clustersJson } = deployment(
      stageWith('clusters: [{ name: a, eksName: real }, { name: b, eksName: b, path: archive, logGroup: /own }]'),
    );
    expect(JSON.parse(clustersJson)).toEqual([
      { name: 'a', account: '111111111111', logGroup: '/aws/eks/real/cluster' },
      {
        name: 'b',
        account: '111111111111',
        logGroup: '/own',
        region: 'eu-central-1',
        prefix: 'audit/111111111111/eu-central-1/b/',
      },
    ]);
  });
});

describe('an environment, of which Lambda allows 4 KiB as JSON', () => {
  const stage = (count: number, more = '') => {
    const clusters = Array.from({ length: count }, (_, at) => `  - { name: cluster-number-${at} }`).join('\n');
    return deployment(stageWith(`${more}clusters:\n${clusters}`));
  };
  const most = (more = '') => {
    for (let count = 1; ; count++) {
      try {
        stage(count, more);
      } catch {
        return count - 1;
      }
    }
  };

  it('holds a few dozen clusters, and refuses more with the function and what takes the room', () => {
    expect(most()).toBeGreaterThan(20);
    expect(() => stage(200)).toThrow(
      /^infra\/stages\/test\.yml: expected the variables of \w+ to fit into the 4096 bytes .*: \w+ \d+, \w+ \d+\. Spread the clusters \(200\)/,
    );
  });

  it('is never larger than that, whatever function it is, with the addresses of endpoints', () => {
    const inVpc = `vpc: { id: vpc-0a, subnetIds: [subnet-0a, subnet-0b], securityGroupIds: [sg-0a], endpoints: own }\nrespondInVpc: true\n`;
    for (const more of ['', inVpc]) {
      const count = most(more);
      const fullest = stage(count, more);
      for (const key of functionKeys()) {
        const { environment, addressed } = functionSettings(key, fullest);
        expect(Buffer.byteLength(JSON.stringify(environment)) + 80 * addressed.length, `${key} with ${count}`).toBeLessThanOrEqual(4096);
      }
    }
    expect(most(inVpc)).toBeLessThan(most());
  });
});

describe.each(STAGES)('stage %s', (name) => {
  const stage = deployment(readStage(name));

  it('gives each function a configuration that it takes', () => {
    const environment = (key: string) => functionSettings(key, stage).environment;
    readAuditStreamConfig(environment('auditStream'));
    readAuditArchiveConfig(environment('auditArchive'));
    readRespondConfig(environment('respond'));
    readHeartbeatConfig(environment('heartbeat'));
  });

  it('sets no variable that its function does not know', () => {
    const config: Record<string, (environment: Record<string, string>) => object> = {
      auditStream: readAuditStreamConfig,
      auditArchive: readAuditArchiveConfig,
      respond: readRespondConfig,
      heartbeat: readHeartbeatConfig,
      // Asks for nothing; the stage's name goes to every function.
      rotateMacKey: () => ({ TIERCEL_STAGE: '' }),
    };
    for (const key of functionKeys()) {
      const { environment } = functionSettings(key, stage);
      const known = Object.keys(config[key]!(environment));
      const set = Object.keys(environment).filter((variable) => environment[variable] !== '' && !variable.startsWith('POWERTOOLS_'));
      expect(set.filter((variable) => !known.includes(variable))).toEqual([]);
    }
  });
});

describe('a stack, of which CloudFormation allows 500 resources', () => {
  const stored = (count: number) =>
    deployment(stageWith(`clusters:\n${Array.from({ length: count }, (_, at) => `  - { name: c${at}, path: stream+store }`).join('\n')}`));

  it('is refused where it would have more, though every function could hold its variables', () => {
    expect(madeResources(stored(20)) + FIXED_RESOURCES).toBeLessThanOrEqual(500);
    expect(() => stored(36)).toThrow(/expected at most 500 resources, .* got \d+\. Spread the clusters \(36\)/);
  });
});

type Made = { readonly Properties: object };

describe('archives', () => {
  const of = (clusters: string) => deployment(stageWith(`clusters: [${clusters}]`));

  it('gives each road its place: announced for archive, not for history', () => {
    const { clustersJson, archives } = of('{ name: a, path: archive }, { name: b, path: stream+store }, { name: c }');
    expect(JSON.parse(clustersJson)).toEqual([
      { name: 'a', account: '111111111111', region: 'eu-central-1', prefix: 'audit/111111111111/eu-central-1/a/' },
      { name: 'b' },
      { name: 'c' },
    ]);
    const prefixes = Object.values(archives.Resources).flatMap(
      ({ Properties }) => /"Prefix":"([^!]+)/.exec(JSON.stringify(Properties))?.[1] ?? [],
    );
    expect(prefixes).toEqual(['audit/111111111111/eu-central-1/a/', 'history/111111111111/eu-central-1/b/']);
  });

  it('makes nothing here for a cluster elsewhere, and no roles when nothing is archived', () => {
    const { archives, archiveWriters } = of(
      '{ name: a, account: "222222222222", path: archive, archiveWriterArn: "arn:aws:iam::222222222222:role/w" }, { name: c }',
    );
    expect([archives.Resources, archiveWriters]).toEqual([{}, 'none']);
  });

  it('tells long names apart', () => {
    const long = 'x'.repeat(90);
    const { archiveStreamArns } = of(`{ name: ${long}1, path: archive }, { name: ${long}2, path: archive }`);
    expect(new Set(archiveStreamArns).size).toBe(2);
    for (const stream of archiveStreamArns) expect(stream.split('/')[1]!.length).toBeLessThanOrEqual(64);
  });
});

describe('subscriptions', () => {
  const of = (clusters: string) => subscriptions(stageWith(`clusters: [${clusters}]`));

  it('subscribes the clusters that stream, and those only', () => {
    const groups = Object.values(of('{ name: a }, { name: b, path: stream+store }, { name: c, path: archive }'))
      .filter(({ Type }) => Type === 'AWS::Logs::SubscriptionFilter')
      .map(({ Properties }) => (Properties as { LogGroupName: string }).LogGroupName);
    expect(groups).toEqual(['/aws/eks/a/cluster', '/aws/eks/b/cluster']);
  });

  it('keeps every logical id when a cluster comes or goes', () => {
    const before = Object.keys(of('{ name: a }, { name: b-c }, { name: d }'));
    const after = Object.keys(of('{ name: d }, { name: new }, { name: b-c }'));
    expect(before.filter((id) => after.includes(id))).toEqual(before.filter((id) => !id.includes('EksACluster')));
  });

  it('subscribes respond to the topic of the stage, and lets that topic alone call it', () => {
    const topic = 'arn:aws:sns:eu-west-1:222222222222:falco';
    const made = subscriptions(stageWith(`alertTopicArn: ${topic}`));
    expect(made).toMatchObject({
      TopicMayCallRespond: { Properties: { Principal: 'sns.amazonaws.com', SourceArn: topic } },
      AlertTopicSubscription: { Properties: { TopicArn: topic, Protocol: 'lambda', Region: 'eu-west-1' } },
    });
  });

  it('gives different log groups different ids', () => {
    const ids = Object.keys(of('{ name: a-b }, { name: a_b }, { name: ab }, { name: aB }, { name: a-B }'));
    expect(new Set(ids).size).toBe(10);
  });

  it('gives the longest log groups ids that CloudFormation takes', () => {
    const group = (last: string) => `/${'x'.repeat(510)}${last}`;
    const { archives } = deployment(
      stageWith(
        `clusters: [{ name: a, path: stream+store, logGroup: ${group('a')} }, { name: b, path: stream+store, logGroup: ${group('b')} }]`,
      ),
    );
    const ids = Object.keys({ ...of(`{ name: a, logGroup: ${group('a')} }, { name: b, logGroup: ${group('b')} }`), ...archives.Resources });
    expect(ids).toHaveLength(10);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9]{1,255}$/);
  });

  it('filters nothing, and waits for its permission', () => {
    const [[permission, { Properties: permits }], [, filter]] = Object.entries(of('{ name: a }')) as unknown as [
      [string, Made],
      [string, Made],
    ];
    expect(permits).toMatchObject({
      Principal: 'logs.amazonaws.com',
      SourceAccount: '111111111111',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's own spelling
      SourceArn: { 'Fn::Sub': 'arn:${AWS::Partition}:logs:eu-central-1:111111111111:log-group:/aws/eks/a/cluster:*' },
    });
    expect(filter).toMatchObject({ DependsOn: permission, Properties: { LogGroupName: '/aws/eks/a/cluster', FilterPattern: '' } });
  });
});
