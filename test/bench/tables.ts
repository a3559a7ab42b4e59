import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { startDynalite } from '../support/dynalite.ts';

if (!isMainThread) {
  const { endpoint } = await startDynalite();
  parentPort!.postMessage(endpoint);
}

/** dynalite in a thread of its own: in the caller's it would be measured with the caller. */
export async function startTables(): Promise<{ readonly client: DynamoDBClient; stop(): Promise<unknown> }> {
  const worker = new Worker(new URL(import.meta.url));
  const [endpoint] = (await once(worker, 'message')) as [string];
  const client = new DynamoDBClient({ endpoint, region: 'eu-west-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } });
  return { client, stop: () => worker.terminate() };
}
