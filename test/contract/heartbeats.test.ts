import { CreateTableCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll } from 'vitest';
import { createMemoryHeartbeats } from '../../shared/flows/heartbeats.ts';
import { createDynamoDBHeartbeatLog } from '../../shared/flows/heartbeats-dynamodb.ts';
import { readHeartbeats } from '../../shared/flows/heartbeats-read.ts';
import { startDynalite } from '../support/dynalite.ts';
import { heartbeatsContract } from './heartbeats.ts';

const tableName = 'heartbeats';
let dynamodb: Awaited<ReturnType<typeof startDynalite>>;
beforeAll(async () => {
  dynamodb = await startDynalite();
  await dynamodb.client.send(
    new CreateTableCommand({
      TableName: tableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'cluster', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'cluster', KeyType: 'HASH' }],
    }),
  );
});
afterAll(() => dynamodb.stop());

heartbeatsContract('memory', createMemoryHeartbeats);

heartbeatsContract('DynamoDB', () => {
  const { client } = dynamodb;
  return { ...createDynamoDBHeartbeatLog({ client, tableName }), read: () => readHeartbeats({ client, tableName }) };
});
