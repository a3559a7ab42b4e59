import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** Files that a file loads, directly or not; types do not count. Paths are relative to the repository. */
export function loadedFrom(entry: string): string[] {
  const seen = new Set<string>();
  const follow = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(resolve(root, file), 'utf8');
    for (const [, target] of text.matchAll(/^(?:import|export) (?!type )[^;]*?from '(\.{1,2}\/[^']+)'/gms)) {
      follow(relative(root, resolve(dirname(resolve(root, file)), target!)));
    }
  };
  follow(entry);
  return [...seen];
}

/** IAM actions that sending a command asks for. A versioned object has an action of its own; a transaction is checked step by step. */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  'client-s3 GetObject': ['s3:GetObject', 's3:GetObjectVersion'],
  'client-s3 PutObject': ['s3:PutObject'],
  'client-s3 DeleteObject': ['s3:DeleteObject', 's3:DeleteObjectVersion'],
  'client-s3 ListObjectVersions': ['s3:ListBucketVersions'],
  'client-sqs GetQueueAttributes': ['sqs:GetQueueAttributes'],
  'client-sqs GetQueueUrl': ['sqs:GetQueueUrl'],
  'client-sqs ChangeMessageVisibility': ['sqs:ChangeMessageVisibility'],
  'client-sqs SendMessageBatch': ['sqs:SendMessage'],
  'client-dynamodb UpdateItem': ['dynamodb:UpdateItem'],
  'client-dynamodb Scan': ['dynamodb:Scan'],
  'lib-dynamodb Get': ['dynamodb:GetItem'],
  'lib-dynamodb Put': ['dynamodb:PutItem'],
  'lib-dynamodb Update': ['dynamodb:UpdateItem'],
  'lib-dynamodb Query': ['dynamodb:Query'],
  'lib-dynamodb TransactWrite': ['dynamodb:UpdateItem'],
  'client-secrets-manager GetSecretValue': ['secretsmanager:GetSecretValue'],
  'client-secrets-manager DescribeSecret': ['secretsmanager:DescribeSecret'],
  'client-secrets-manager PutSecretValue': ['secretsmanager:PutSecretValue'],
  'client-secrets-manager UpdateSecretVersionStage': ['secretsmanager:UpdateSecretVersionStage'],
  'client-eks DescribeCluster': ['eks:DescribeCluster'],
  'client-scheduler CreateSchedule': ['scheduler:CreateSchedule', 'iam:PassRole'],
  'client-cloudwatch-logs CreateLogStream': ['logs:CreateLogStream'],
  'client-cloudwatch-logs PutLogEvents': ['logs:PutLogEvents'],
  'client-sns Publish': ['sns:Publish'],
  'client-eventbridge PutEvents': ['events:PutEvents'],
  'client-sts AssumeRole': ['sts:AssumeRole'],
  // What its DynamoDB persistence layer sends.
  'powertools idempotency': ['dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem', 'dynamodb:GetItem'],
};

/** IAM actions of all AWS calls in the code that `entry` loads. @throws Error for a command whose actions are not listed above. */
export function actionsCalledFrom(entry: string): Set<string> {
  const commands = loadedFrom(entry).flatMap((file) => {
    const text = readFileSync(resolve(root, file), 'utf8');
    const ofClients = [...text.matchAll(/import \{([^}]+)\} from '@aws-sdk\/([a-z0-9-]+)'/g)].flatMap(([, imported, client]) =>
      [...imported!.matchAll(/\b(\w+)Command\b/g)].map(([, command]) => `${client} ${command}`),
    );
    return text.includes("from '@aws-lambda-powertools/idempotency/dynamodb'") ? [...ofClients, 'powertools idempotency'] : ofClients;
  });
  return new Set(
    commands.flatMap((command) => {
      const actions = ACTIONS[command];
      if (!actions) throw new Error(`test/support/sdk-calls.ts does not know which IAM actions ${command} asks for.`);
      return actions;
    }),
  );
}
