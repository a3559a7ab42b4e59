import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  type ClusterEndpoint,
  type JsonValue,
  type KubeClient,
  KubeStatusError,
  type ObjectReference,
} from '../../shared/platform/kube/index.ts';
import { TestAuthority } from './certificates.ts';

/** `/api/v1/namespaces/<ns>/<resource>/<name>` and its like for groups and for what has no namespace. */
const PATH =
  /^\/(?:api|apis\/(?<apiGroup>[^/]+))\/(?<apiVersion>[^/]+)(?:\/namespaces\/(?<namespace>[^/]+))?\/(?<resource>[^/]+)(?:\/(?<name>[^/]+))?$/;

const LOG = /^\/api\/v1\/namespaces\/(?<namespace>[^/]+)\/pods\/(?<pod>[^/]+)\/log$/;

/** The part of the Kubernetes API that respond uses, over HTTPS, in front of a cluster in memory: so that a function can be configured to reach it. */
export async function startKubeServer(cluster: KubeClient): Promise<{ readonly endpoint: ClusterEndpoint; stop(): Promise<void> }> {
  const authority = new TestAuthority();
  const server = createServer(authority.issue('kube-apiserver'), async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    try {
      const body = text === '' ? {} : (JSON.parse(text) as Record<string, JsonValue>);
      const { pathname, searchParams } = new URL(request.url ?? '', 'https://localhost');
      const auditId = String(request.headers['audit-id']);
      const log = LOG.exec(pathname)?.groups;
      if (log) response.end(await logOf(cluster, log, searchParams, auditId));
      else send(200, await answer(cluster, request.method ?? '', pathname, searchParams, body, auditId));
    } catch (error) {
      if (error instanceof KubeStatusError) send(error.status, { kind: 'Status', reason: error.reason, message: error.detail });
      else send(500, { kind: 'Status', reason: 'InternalError', message: String(error) });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: { server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, caPem: authority.cert },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function logOf(
  cluster: KubeClient,
  { namespace = '', pod = '' }: Record<string, string>,
  query: URLSearchParams,
  auditId: string,
): Promise<Buffer> {
  const question = {
    namespace: decodeURIComponent(namespace),
    pod: decodeURIComponent(pod),
    container: query.get('container') ?? '',
    previous: query.get('previous') === 'true',
    lines: Number(query.get('tailLines')),
    bytes: Number(query.get('limitBytes')),
  };
  return cluster.logs(question, { auditId }).then(({ text }) => text);
}

async function answer(
  cluster: KubeClient,
  method: string,
  path: string,
  query: URLSearchParams,
  body: Record<string, JsonValue>,
  auditId: string,
): Promise<unknown> {
  const { apiGroup = '', apiVersion = '', namespace, resource = '', name } = PATH.exec(path)?.groups ?? {};
  const call = { auditId };
  if (resource === 'selfsubjectreviews') return { status: { userInfo: { username: await cluster.whoAmI(call) } } };
  if (resource === 'selfsubjectaccessreviews') return { status: { allowed: true } };
  const collection = { apiGroup, apiVersion, resource, ...(namespace === undefined ? {} : { namespace: decodeURIComponent(namespace) }) };
  if (name === undefined) {
    if (method === 'POST') return cluster.create(collection, body, call);
    const fieldSelector = query.get('fieldSelector');
    const options = { ...(fieldSelector === null ? {} : { fieldSelector }), atMost: Number(query.get('limit')) };
    return { items: await cluster.list(collection, call, options), metadata: {} };
  }
  const object: ObjectReference = { ...collection, name: decodeURIComponent(name) };
  if (method === 'PATCH') return cluster.patch(object, body, call);
  if (method === 'DELETE') {
    const { preconditions, ...options } = body as unknown as { preconditions: { uid: string; resourceVersion?: string } };
    await cluster.delete(object, { ...preconditions, ...options }, call);
    return { kind: 'Status', status: 'Success' };
  }
  const live = await cluster.get(object, call);
  if (!live) throw new KubeStatusError(`get ${object.name}`, 404, 'NotFound', `${object.name} not found`);
  return live;
}
