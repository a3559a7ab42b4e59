import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TestAuthority } from '../support/certificates.ts';

/** From RFC 6455, section 1.3: proves that the server speaks websocket. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export interface Kubelet {
  readonly port: number;
  stop(): Promise<void>;
}

/** What every container of every pod has written so far. */
export const CONTAINER_LOG = '2026-11-21T08:00:00.000000000Z listening\n';

/**
 * The part of a kubelet by which the API server gets into a pod: it answers exec, attach and port-forward with 101 and says nothing after that,
 * which is enough for the audit events of a real stream; and it has a log of every container.
 */
export async function startKubelet(authority: TestAuthority): Promise<Kubelet> {
  const open = new Set<Socket>();
  const server = createServer({ ...authority.issue('kubelet') }, ({ url = '' }, response) => {
    if (url.startsWith('/containerLogs/')) response.end(CONTAINER_LOG);
    else response.writeHead(404).end();
  });
  server.on('upgrade', ({ url = '', headers }, stream) => {
    const socket = stream as Socket;
    if (!/^\/(exec|attach|portForward)\//.test(url)) return void socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    // The client hangs up when it has seen enough; that is how streams end here.
    socket.on('error', () => socket.destroy());
    socket.resume();
    const key = headers['sec-websocket-key'];
    const protocol = headers['sec-websocket-protocol']?.split(',')[0];
    const lines = [
      'HTTP/1.1 101 Switching Protocols',
      'Connection: Upgrade',
      `Upgrade: ${headers.upgrade}`,
      ...(key === undefined ? [] : [`Sec-WebSocket-Accept: ${createHash('sha1').update(`${key}${WEBSOCKET_GUID}`).digest('base64')}`]),
      ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
