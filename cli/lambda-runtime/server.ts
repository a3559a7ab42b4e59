import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a function answered. A failed start is an answer, too: the process cannot be asked again. */
export type Answer =
  | { readonly kind: 'result'; readonly json: string }
  | { readonly kind: 'error'; readonly json: string }
  | { readonly kind: 'init-error'; readonly json: string };

export interface RuntimeApi {
  /** `127.0.0.1:port`, for AWS_LAMBDA_RUNTIME_API. */
  readonly address: string;
  /** Resolves when the process has asked for work for the first time, or has reported that it cannot start. */
  readonly started: Promise<Answer | undefined>;
  /** Hands out one event and resolves to the answer. One at a time, as Lambda does. */
  invoke(eventJson: string, deadlineMs: number): Promise<Answer>;
  close(): Promise<void>;
}

/** The four calls of the Lambda Runtime API (version 2018-06-01), on loopback. */
export async function startRuntimeApi(functionArn: string): Promise<RuntimeApi> {
  const started = deferred<Answer | undefined>();
  let waiting: ServerResponse | undefined;
  let work: { id: string; eventJson: string; deadlineMs: number; answer: ReturnType<typeof deferred<Answer>> } | undefined;

  const handOut = () => {
    if (!waiting || !work) return;
    waiting.writeHead(200, {
      'content-type': 'application/json',
      'Lambda-Runtime-Aws-Request-Id': work.id,
      'Lambda-Runtime-Deadline-Ms': String(work.deadlineMs),
      'Lambda-Runtime-Invoked-Function-Arn': functionArn,
    });
    waiting.end(work.eventJson);
    waiting = undefined;
  };

  const server = createServer((request, response) => {
    const path = request.url?.replace(/^\/2018-06-01\/runtime\//, '') ?? '';
    if (request.method === 'GET' && path === 'invocation/next') {
      waiting = response;
      started.resolve(undefined);
      handOut();
      return;
    }
    const [, id, outcome] = /^invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
    void bodyOf(request).then((json) => {
      response.writeHead(202).end();
      if (path === 'init/error') started.resolve({ kind: 'init-error', json });
      if (outcome !== undefined && id === work?.id) work?.answer.resolve({ kind: outcome === 'response' ? 'result' : 'error', json });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    started: started.promise,
    invoke(eventJson, deadlineMs) {
      const answer = deferred<Answer>();
      work = { id: randomUUID(), eventJson, deadlineMs, answer };
      handOut();
      return answer.promise.finally(() => {
        work = undefined;
      });
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function deferred<Value>() {
  return Promise.withResolvers<Value>();
}
