import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { failureBuckets } from '../../../../cli/checks/failure-destinations.ts';
import { names } from '../../../../infra/stage/names.ts';
import { readStage } from '../../../../infra/stage/read.ts';
import { readCloudFormation } from '../../../support/cloudformation.ts';

const root = resolve(import.meta.dirname, '../../../..');

describe('the check of failure destinations', () => {
  it('expects what the template has', () => {
    const made = ['invocation', 'sweep', 'heartbeat']
      .flatMap((file) => Object.values(readCloudFormation(readFileSync(join(root, `infra/resources/${file}.yml`), 'utf8')).Resources ?? {}))
      .filter(({ Type }) => Type === 'AWS::Lambda::EventInvokeConfig')
      .map(({ Properties }) => JSON.stringify(Properties));
    const stage = { names: names(readStage('prod')) };
    const wanted = failureBuckets(stage);
    expect(made).toHaveLength(wanted.length);
    for (const [functionName, bucket] of wanted) {
      const key = functionName.split('-').at(-1)!;
      const id = `${key[0]!.toUpperCase()}${key.slice(1)}LambdaFunction`;
      const bucketId = bucket === stage.names.spoolBucket ? 'SpoolBucket' : 'QuarantineBucket';
      expect(
        made.filter((config) => config.includes(id)),
        functionName,
      ).toEqual([expect.stringContaining(bucketId)]);
    }
  });
});
