import { type Check, fault, ok, restore } from './check.ts';
import type { DeployedStage } from './stage.ts';

export const dataKey: Check = {
  id: 'data-key',
  title: 'The key that everything at rest lies under can be used.',
  why: 'With a key that is disabled or waits for its deletion no function starts, no table answers and no object is read or written; once it is deleted, all of it is lost.',
  needs: (stage) => [
    {
      actions: ['kms:DescribeKey'],
      resources: [stage.dataKeyArn ?? stage.arn('kms', 'key/*')],
      ...(stage.dataKeyArn === undefined ? { condition: { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': [aliasOf(stage)] } } } : {}),
    },
  ],
  subjects: ({ stage, aws }) => {
    const KeyId = stage.dataKeyArn ?? aliasOf(stage);
    return [
      {
        name: KeyId,
        async look() {
          try {
            const { KeyMetadata } = (await aws.json('kms', 'DescribeKey', { KeyId })) as { readonly KeyMetadata?: KeyMetadata };
            const { KeyState = 'unknown', KeyId: id, DeletionDate } = KeyMetadata ?? {};
            if (KeyState === 'Enabled') return ok('enabled');
            if (KeyState === 'PendingDeletion')
              return fault(
                'a key that can be used',
                `it will be deleted on ${DeletionDate === undefined ? 'an unknown day' : new Date(DeletionDate * 1000).toISOString().slice(0, 10)}`,
                `aws kms cancel-key-deletion --key-id ${id}, then aws kms enable-key --key-id ${id}; CloudTrail (ScheduleKeyDeletion) says who asked for it`,
              );
            if (KeyState === 'Disabled')
              return fault(
                'a key that can be used',
                'it is disabled',
                `aws kms enable-key --key-id ${id}; CloudTrail (DisableKey) says who disabled it`,
              );
            return fault(
              'a key that can be used',
              `its state is ${KeyState}`,
              `aws kms describe-key --key-id ${KeyId}, and see what that state wants`,
            );
          } catch (error) {
            if ((error as Error).name !== 'NotFoundException') throw error;
            return fault(`key ${KeyId}`, 'there is none', restore(stage));
          }
        },
      },
    ];
  },
};

interface KeyMetadata {
  /** In place of the alias, which the commands about keys do not take. */
  readonly KeyId: string;
  readonly KeyState: string;
  /** Epoch **seconds**. */
  readonly DeletionDate?: number;
}

function aliasOf({ name }: DeployedStage): string {
  return `alias/tiercel-${name}`;
}
