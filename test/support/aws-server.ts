import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { MAC_KEY } from './responder.ts';

/** A one-off schedule that was made. */
export interface Scheduled {
  readonly name: string;
  readonly expression: string;
  /** What the target will be invoked with. */
  readonly input: unknown;
}

export interface AwsServer {
  /** Settings that lead the SDK's clients here. */
  readonly environment: Readonly<Record<string, string>>;
  readonly schedules: readonly Scheduled[];
  stop(): Promise<void>;
}

/** What the respond function asks of Secrets Manager (the MAC key of the tests) and of EventBridge Scheduler (one-off schedules, which never fire here). */
export async function startAwsServer(): Promise<AwsServer> {
  const schedules: Scheduled[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    const body = JSON.parse(text || '{}') as Record<string, never>;
    const send = (status: number, value: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    if (request.headers['x-amz-target'] === 'secretsmanager.GetSecretValue') {
      if (body.VersionStage === 'AWSPREVIOUS') return send(400, { __type: 'ResourceNotFoundException' });
      return send(200, { VersionId: MAC_KEY.id, SecretString: Buffer.from(MAC_KEY.secret).toString(), CreatedDate: 0 });
    }
    const name = /^\/schedules\/([^/?]+)/.exec(request.url ?? '')?.[1];
    if (request.method !== 'POST' || name === undefined) return send(400, { __type: 'ValidationException' });
    if (schedules.some((schedule) => schedule.name === name)) return send(409, { __type: 'ConflictException' });
    const { ScheduleExpression: expression, Target } = body as unknown as { ScheduleExpression: string; Target: { Input: string } };
    schedules.push({ name, expression, input: JSON.parse(Target.Input) });
    send(200, { ScheduleArn: `arn:aws:scheduler:eu-west-1:111122223333:schedule/tiercel/${name}` });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    environment: { AWS_ENDPOINT_URL_SECRETS_MANAGER: url, AWS_ENDPOINT_URL_SCHEDULER: url },
    schedules,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
