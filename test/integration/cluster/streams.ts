import { randomBytes } from 'node:crypto';
import { request } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import type { ObjectReference } from '../../../shared/platform/kube/index.ts';
import type { TestCluster } from '../../cluster/start.ts';

/** How kubectl opens a stream into a pod: as a websocket (verb `get`), older ones as SPDY (verb `create`). */
export type Way = 'websocket' | 'spdy';
export type Subresource = 'exec' | 'attach' | 'portforward';

const QUERY: Readonly<Record<Subresource, string>> = {
  exec: 'command=sh&command=-c&command=curl+http%3A%2F%2F169.254.169.254%2F&container=c&stdout=true',
  attach: 'container=c&stdout=true',
  portforward: 'ports=80',
};

/**
 * Opens a stream into a pod as a user, and hangs up.
 * @returns the status the API server answered with: 101 when the stream was opened.
 */
export function openStream(
  { endpoint }: TestCluster,
  user: string,
  pod: ObjectReference,
  subresource: Subresource,
  way: Way = 'websocket',
): Promise<number> {
  const websocket = {
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    'sec-websocket-protocol': 'v4.channel.k8s.io',
  };
  const spdy = {
    upgrade: 'SPDY/3.1',
    'x-stream-protocol-version': subresource === 'portforward' ? 'portforward.k8s.io' : 'v4.channel.k8s.io',
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${endpoint.server}/api/v1/namespaces/${pod.namespace}/pods/${pod.name}/${subresource}?${QUERY[subresource]}`,
      {
        method: way === 'websocket' ? 'GET' : 'POST',
        ca: endpoint.caPem,
        headers: { authorization: `Bearer token-${user}`, connection: 'Upgrade', ...(way === 'websocket' ? websocket : spdy) },
      },
    );
    outgoing.on('upgrade', ({ statusCode }, socket) => {
      socket.on('error', () => {});
      socket.destroy();
      resolve(statusCode ?? 0);
    });
    outgoing.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** Waits until everything made so far is older than the running second: creation times are cut to seconds. */
export async function nextSecond(): Promise<void> {
  await wait(1000 - (Date.now() % 1000) + 5);
}
