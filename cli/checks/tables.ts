import { DescribeContinuousBackupsCommand, DescribeTableCommand, DescribeTimeToLiveCommand } from '@aws-sdk/client-dynamodb';
import { type Check, type Finding, fault, ok, restore } from './check.ts';
import type { DeployedStage } from './stage.ts';

/** The attribute all tables expire by (infra/resources/tables.yml). */
const TTL_ATTRIBUTE = 'expiration';

export const tables: Check = {
  id: 'tables',
  title: 'Every table is active, expires its items, and can be restored.',
  why: 'Without expiry the tables grow for ever; without point-in-time recovery a deleted journal is gone, and with it every undo.',
  needs: (stage) => [
    {
      actions: ['dynamodb:DescribeTable', 'dynamodb:DescribeTimeToLive', 'dynamodb:DescribeContinuousBackups'],
      resources: tableNames(stage).map((name) => stage.arn('dynamodb', `table/${name}`)),
    },
  ],
  subjects: ({ stage, aws: { dynamodb } }) =>
    tableNames(stage).map((TableName) => ({
      name: TableName,
      async look() {
        const faults: Finding[] = [];
        try {
          const { Table } = await dynamodb.send(new DescribeTableCommand({ TableName }));
          if (!['ACTIVE', 'UPDATING'].includes(Table?.TableStatus ?? ''))
            faults.push(fault('an active table', `it is ${Table?.TableStatus}`, 'Wait, or see the DynamoDB console for the reason'));
          const { InaccessibleEncryptionDateTime: closed } = Table?.SSEDescription ?? {};
          if (closed !== undefined)
            faults.push(
              fault(
                'a key that DynamoDB can use',
                `it has found none since ${closed.toISOString()}`,
                'See data-key below; without it DynamoDB archives the table after seven days',
              ),
            );
          if (stage.deletionProtection && Table?.DeletionProtectionEnabled !== true)
            faults.push(
              fault(
                'deletion protection',
                'it is off',
                `aws dynamodb update-table --table-name ${TableName} --deletion-protection-enabled`,
              ),
            );
        } catch (error) {
          if ((error as Error).name !== 'ResourceNotFoundException') throw error;
          return fault(`table ${TableName}`, 'there is none', restore(stage));
        }
        const { TimeToLiveDescription: ttl } = await dynamodb.send(new DescribeTimeToLiveCommand({ TableName }));
        if (!['ENABLED', 'ENABLING'].includes(ttl?.TimeToLiveStatus ?? '') || ttl?.AttributeName !== TTL_ATTRIBUTE)
          faults.push(
            fault(
              `expiry by ${TTL_ATTRIBUTE}`,
              `it is ${ttl?.TimeToLiveStatus ?? 'off'}`,
              `aws dynamodb update-time-to-live --table-name ${TableName} --time-to-live-specification Enabled=true,AttributeName=${TTL_ATTRIBUTE}`,
            ),
          );
        const { ContinuousBackupsDescription: backups } = await dynamodb.send(new DescribeContinuousBackupsCommand({ TableName }));
        if (backups?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus !== 'ENABLED')
          faults.push(
            fault(
              'point-in-time recovery',
              'it is off',
              `aws dynamodb update-continuous-backups --table-name ${TableName} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true`,
            ),
          );
        return faults.length > 0 ? faults : ok('active, expires, can be restored');
      },
    })),
};

function tableNames({ names }: DeployedStage): readonly string[] {
  return [names.idempotencyTable, names.checkpointTable, names.journalTable, names.heartbeatTable];
}
