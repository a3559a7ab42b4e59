import { describe, expect, it } from 'vitest';
import recorded from '../../integration/local/lasting-resources.json' with { type: 'json' };
import { type LastingResources, lastingResources, RETAINED, upgradeFaults } from '../../support/template-upgrade.ts';

const before = recorded as LastingResources;
type Changing = Record<string, { Type: string; DeletionPolicy?: string; Properties: Record<string, unknown> }>;

/** What is said about an upgrade that makes this change. */
function planted(change: (after: Changing) => void): string[] {
  const after = structuredClone(before) as Changing;
  change(after);
  return upgradeFaults(before, after);
}

describe('the record of lasting resources', () => {
  it.each([
    ['AWS::DynamoDB::Table', 3],
    ['AWS::S3::Bucket', 3],
    ['AWS::SQS::Queue', 6],
    ['AWS::KMS::Key', 1],
    ['AWS::SecretsManager::Secret', 1],
    ['AWS::Logs::LogGroup', 5],
    ['AWS::Scheduler::ScheduleGroup', 1],
    ['AWS::Logs::SubscriptionFilter', 4],
  ])('holds every %s', (type, atLeast) => {
    const of = Object.values(before).filter(({ Type }) => Type === type);
    expect(of.length).toBeGreaterThanOrEqual(atLeast);
    if (RETAINED.includes(type)) for (const { DeletionPolicy } of of) expect(DeletionPolicy).toBe('RetainExceptOnCreate');
  });
});

describe('an upgrade', () => {
  it('may change nothing, and may add', () => {
    expect(upgradeFaults(before, before)).toEqual([]);
    expect(planted((after) => Object.assign(after, { NewQueue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'new' } } }))).toEqual(
      [],
    );
  });

  it.each(Object.entries(before))('that removes %s is found', (id, { Type }) => {
    expect(planted((after) => delete after[id])).toEqual([`${id} (${Type}) would be removed`]);
  });

  const properties = Object.entries(before).flatMap(([id, { Properties = {} }]) =>
    Object.keys(Properties).map((name) => [id, name] as const),
  );
  it.each(properties)('that changes %s %s is found', (id, name) => {
    const faults = planted((after) => {
      after[id]!.Properties[name] = 'another';
    });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(new RegExp(`^${id} \\(.*\\) would be replaced: ${name} was .*, is "another"$`));
  });

  it.each([
    [
      'renames a resource, whose data would stay behind under the old id',
      (after: Changing) => {
        after.Journal = after.JournalTable!;
        delete after.JournalTable;
      },
      'JournalTable (AWS::DynamoDB::Table) would be removed',
    ],
    [
      'makes a queue first-in-first-out',
      (after: Changing) => {
        after.SpoolQueue!.Properties.FifoQueue = true;
      },
      'SpoolQueue (AWS::SQS::Queue) would be replaced: FifoQueue was undefined, is true',
    ],
    [
      'leaves a name to CloudFormation',
      (after: Changing) => {
        delete after.MacKeySecret!.Properties.Name;
      },
      'MacKeySecret (AWS::SecretsManager::Secret) would be replaced: Name was "tiercel/prod/mac-key", is undefined',
    ],
    [
      'makes something else of a logical id',
      (after: Changing) => {
        after.DataKey!.Type = 'AWS::KMS::ReplicaKey';
      },
      'DataKey (AWS::KMS::Key) would be replaced: it becomes AWS::KMS::ReplicaKey',
    ],
    [
      'would let go of a bucket with the stack',
      (after: Changing) => {
        delete after.QuarantineBucket!.DeletionPolicy;
      },
      'QuarantineBucket (AWS::S3::Bucket) would no longer be kept: DeletionPolicy was RetainExceptOnCreate',
    ],
  ])('that %s is found', (_, change, fault) => {
    expect(planted(change)).toContain(fault);
  });
});

describe('the lasting part of a template', () => {
  it('knows the type of a table’s key, and leaves its indexes free', () => {
    const table = (type: string, index: string) =>
      lastingResources({
        T: {
          Type: 'AWS::DynamoDB::Table',
          Properties: {
            KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
            AttributeDefinitions: [
              { AttributeName: 'id', AttributeType: type },
              { AttributeName: index, AttributeType: 'S' },
            ],
            GlobalSecondaryIndexes: [{ IndexName: index }],
          },
        },
      });
    expect(upgradeFaults(table('S', 'at'), table('S', 'by'))).toEqual([]);
    expect(upgradeFaults(table('S', 'at'), table('B', 'at'))).toEqual([expect.stringMatching(/^T \(.*KeyAttributes was .*"S".* is .*"B"/)]);
  });

  it('is made of what lasts', () => {
    expect(Object.keys(lastingResources({ A: { Type: 'AWS::CloudWatch::Alarm' }, Q: { Type: 'AWS::SQS::Queue' } }))).toEqual(['Q']);
  });
});
