import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { expect, it } from 'vitest';
import { answeredWithin } from '../../../../../shared/platform/aws/answered-within.ts';

it('ends every attempt at a service that does not answer, and tries again', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new SNSClient({
    ...answeredWithin(150),
    maxAttempts: 2,
    region: 'eu-west-1',
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: 'k', secretAccessKey: 's' },
  });
  const sending = client.send(new PublishCommand({ TopicArn: 'arn:aws:sns:eu-west-1:111122223333:t', Message: 'm' }));
  await expect(sending).rejects.toMatchObject({ name: 'TimeoutError', $metadata: { attempts: 2 } });
  expect(sockets).toHaveLength(2);
  client.destroy();
  for (const socket of sockets) socket.destroy();
  server.close();
});
