import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { invoke } from '../../../cli/lambda-runtime/invoke.ts';

const root = resolve(import.meta.dirname, '../../..');

interface Batch {
  readonly QueueUrl: string;
  readonly Entries: readonly { readonly Id: string; readonly MessageBody: string }[];
}

/** An interface endpoint of SQS: it takes what is sent to it, whatever host the queue's URL names. */
async function endpoint(): Promise<{ url: string; batches: Batch[] }> {
  const batches: Batch[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const batch = JSON.parse(text) as Batch;
    batches.push(batch);
    const successful = batch.Entries.map(({ Id, MessageBody }) => ({
      Id,
      MessageId: Id,
      MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
    }));
    response.setHeader('content-type', 'application/x-amz-json-1.0').end(JSON.stringify({ Successful: successful, Failed: [] }));
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, batches };
}

it('a function sends to the address it is given for SQS, not to the host of the queue’s URL', async () => {
  const { url, batches } = await endpoint();
  const queue = 'https://sqs.eu-central-1.amazonaws.com/000000000000/tiercel-local-respond';
  const env = [
    `ALERT_SINK=sqs:${queue}`,
    `AWS_ENDPOINT_URL_SQS=${url}`,
    'AWS_ACCESS_KEY_ID=test',
    'AWS_SECRET_ACCESS_KEY=test',
    'AWS_SESSION_TOKEN=test',
  ];
  let log = '';
  const streams = { out: { write: () => true }, log: { write: (text: string) => (log += text) }, stdin: process.stdin };
  const event = join(root, 'events/audit-stream/exec.json');
  expect(await invoke('auditStream', event, { stage: 'local', env, times: 1 }, streams), log).toBe(true);
  expect(batches.flatMap(({ Entries }) => Entries).length).toBeGreaterThan(0);
  for (const { QueueUrl } of batches) expect(QueueUrl).toBe(queue);
}, 60_000);
