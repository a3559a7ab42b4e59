import { Agent } from 'node:https';
import type { Clock, Random } from '../clock.ts';
import { KEPT_POOL, KeptSockets } from '../kept-sockets.ts';
import { type Backoff, backoffMs } from '../retry.ts';
import { KubeConnectionError, KubeListTooLongError, KubeStatusError } from './errors.ts';
import { type Answer, exchange, type Keeping } from './exchange.ts';
import {
  type CollectionReference,
  collectionPath,
  describeObject,
  type JsonValue,
  type KubeObject,
  type ObjectReference,
  pathOf,
} from './object.ts';
import { createRateLimiter, DEFAULT_RATE_LIMIT, type RateLimit } from './rate-limit.ts';

/** How to reach one cluster, and as whom. */
export interface ClusterEndpoint {
  /** `https://host[:port][/path]`. */
  readonly server: string;
  /** Authorities that sign the server's certificate, PEM; absent: those of Node. */
  readonly caPem?: string;
  /** Host name to expect in the certificate instead of the one in `server`. */
  readonly tlsServerName?: string;
  readonly clientCertPem?: string;
  readonly clientKeyPem?: string;
  /** A bearer token, asked for before every request: whoever gives it caches it, but not the one that the server has just refused. */
  readonly token?: (refused?: string) => Promise<string>;
}

export interface KubeClientOptions {
  readonly endpoint: ClusterEndpoint;
  readonly clock: Clock;
  readonly random: Random;
  readonly rateLimit?: RateLimit;
  /** Milliseconds one request may take, to the last byte of its answer, before it counts as unanswered. @default 10 000 */
  readonly timeoutMs?: number;
  /** Milliseconds a connection may take to stand: a cluster that is out of reach must not cost the others their time. @default 3 000 */
  readonly connectTimeoutMs?: number;
}

/** What travels with a request beside what it asks. */
export interface CallOptions {
  /** `Audit-ID` of the request: the server writes it into the audit event, where it names the journal step. */
  readonly auditId: string;
}

export interface DeleteOptions {
  readonly uid: string;
  readonly resourceVersion?: string;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly gracePeriodSeconds?: number;
}

export interface AccessQuestion {
  readonly verb: string;
  readonly object: ObjectReference;
}

export interface ListOptions {
  /** `involvedObject.uid=…`: the server leaves out the others. */
  readonly fieldSelector?: string;
  /** Stop once there are this many; whether there would have been more is not known. */
  readonly atMost?: number;
}

/** One container's log. */
export interface LogQuestion {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** The log of the container before its last restart. */
  readonly previous: boolean;
  /** Most lines, counted from the end. */
  readonly lines: number;
  /** Most bytes, counted from the end. */
  readonly bytes: number;
}

export interface LogText {
  readonly text: Buffer;
  /** Whether earlier text was left out because of `bytes`. */
  readonly cut: boolean;
}

/** A right as RBAC writes it: `pods/eviction` names a subresource. Asked for every name, in every namespace. */
export interface Right {
  readonly verb: string;
  readonly apiGroup: string;
  readonly resource: string;
}

/** Who a question about rights is about. */
export interface Subject {
  readonly username: string;
  readonly groups: readonly string[];
}

/**
 * The few calls of the Kubernetes API that respond needs. Reads are repeated while the server is busy or away; a write is sent again only when
 * the server refused it before looking at it (429). A refused token (401) is asked for anew, once. Everything else is thrown as KubeStatusError or
 * KubeConnectionError.
 */
export interface KubeClient {
  /** Address of the API server, in one spelling: tells clusters apart. */
  readonly server: string;
  /** `undefined` only for 404. */
  get(object: ObjectReference, call: CallOptions): Promise<KubeObject | undefined>;
  /** Every object of the collection, page by page. @throws KubeListTooLongError rather than to leave some out */
  list(collection: CollectionReference, call: CallOptions, options?: ListOptions): Promise<readonly KubeObject[]>;
  /** The end of a container's log, each line with its time. A container that has none is refused with 400. */
  logs(question: LogQuestion, call: CallOptions): Promise<LogText>;
  create(collection: CollectionReference, manifest: JsonValue, call: CallOptions): Promise<KubeObject>;
  /** JSON merge patch. `metadata.uid` and `metadata.resourceVersion` inside the patch are preconditions: 409 when they do not hold. */
  patch(object: ObjectReference, patch: JsonValue, call: CallOptions): Promise<KubeObject>;
  /** 404 and 409 (precondition) are thrown like any other refusal. */
  delete(object: ObjectReference, options: DeleteOptions, call: CallOptions): Promise<void>;
  /** Whether the client's identity may do something (SelfSubjectAccessReview); nothing is done. */
  mayI(question: AccessQuestion, call: CallOptions): Promise<boolean>;
  /** Whether somebody else has a right (SubjectAccessReview). Whoever asks needs `create subjectaccessreviews`. */
  maySubject(subject: Subject, right: Right, call: CallOptions): Promise<boolean>;
  /** The user name the cluster knows this client by (SelfSubjectReview). */
  whoAmI(call: CallOptions): Promise<string>;
  /** Closes idle connections. */
  close(): void;
}

/** An answer is one object or one page of a list; the largest object etcd takes is 1.5 MiB. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const WHOLE_ANSWER: Keeping = { bytes: MAX_ANSWER_BYTES, what: 'whole' };
/** What the kubelet may send of one log, however long its lines are; kubelets keep 10 MiB in a file. */
const MAX_LOG_BYTES = 16 * 1024 * 1024;
const PAGE_SIZE = 500;
/** 20,000 objects: more than a cluster has of what respond lists, and a way out of a server that always has another page. */
const MAX_PAGES = 40;
const MAX_ATTEMPTS = 4;
/** Of a log, behind which stands a kubelet that may be away for good; and where no answer came in time: the next one takes as long. */
const MAX_SLOW_ATTEMPTS = 2;
const BACKOFF: Backoff = { baseMs: 100, capMs: 2_000 };
/** A server that wants to be left alone for longer is asked again when the alert comes again. */
const MAX_WAIT_MS = 5_000;
/** A sandbox is frozen between two alerts, and what stands between it and the server forgets connections meanwhile. */
const MAX_IDLE_MS = 60_000;

export function createKubeClient(options: KubeClientOptions): KubeClient {
  const { endpoint, clock } = options;
  const limiter = createRateLimiter(options.rateLimit ?? DEFAULT_RATE_LIMIT, clock);
  const { timeoutMs = 10_000, connectTimeoutMs = 3_000 } = options;
  const agent = new Agent({
    ...KEPT_POOL,
    maxSockets: 32,
    ...(endpoint.caPem === undefined ? {} : { ca: endpoint.caPem }),
    ...(endpoint.tlsServerName === undefined ? {} : { servername: endpoint.tlsServerName }),
    ...(endpoint.clientCertPem === undefined ? {} : { cert: endpoint.clientCertPem }),
    ...(endpoint.clientKeyPem === undefined ? {} : { key: endpoint.clientKeyPem }),
  });
  const connections = { agent, kept: new KeptSockets({ maxIdleMs: MAX_IDLE_MS }, clock) };
  const { origin, pathname } = new URL(endpoint.server);
  const server = `${origin}${pathname.replace(/\/+$/, '')}`;

  async function call(
    what: string,
    method: string,
    path: string,
    { auditId }: CallOptions,
    body?: JsonValue,
    contentType = 'application/json',
  ): Promise<unknown> {
    const { status, body: answer } = await ask(what, method, path, auditId, body, contentType, WHOLE_ANSWER);
    return parse(what, status, answer);
  }

  /** @throws KubeStatusError for any answer but a success. */
  async function ask(
    what: string,
    method: string,
    path: string,
    auditId: string,
    body: JsonValue | undefined,
    contentType: string,
    keeping: Keeping,
  ): Promise<Answer> {
    let refused: string | undefined;
    for (let attempt = 1; ; attempt++) {
      await limiter.take();
      const token = await endpoint.token?.(refused);
      try {
        return await once(what, method, path, auditId, token, body, contentType, keeping);
      } catch (error) {
        const stale = token !== undefined && refused === undefined && error instanceof KubeStatusError && error.status === 401;
        if (stale) refused = token;
        const waitMs = (error instanceof KubeStatusError && error.waitMs) || 0;
        const slow = keeping.what === 'end' || (error instanceof KubeConnectionError && error.silent);
        const last = attempt >= (slow ? MAX_SLOW_ATTEMPTS : MAX_ATTEMPTS) || waitMs > MAX_WAIT_MS;
        if (last || !(stale || maySendAgain(method, error))) throw error;
        await clock.sleep(Math.max(waitMs, backoffMs(attempt, BACKOFF, options.random)));
      }
    }
  }

  async function once(
    what: string,
    method: string,
    path: string,
    auditId: string,
    token: string | undefined,
    body: JsonValue | undefined,
    contentType: string,
    keeping: Keeping,
  ): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      // A log is plain text, its refusal JSON.
      accept: keeping.what === 'end' ? 'application/json, */*' : 'application/json',
      'audit-id': auditId,
      'user-agent': 'tiercel-respond',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(text === undefined ? {} : { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }),
    };
    const request = { method, headers, body: text, timeoutMs, connectTimeoutMs };
    const answer = await exchange(what, new URL(`${server}${path}`), request, connections, keeping);
    const { status, waitMs } = answer;
    if (status >= 200 && status < 300) return answer;
    const { reason, message } = (parse(what, status, answer.body) ?? {}) as { reason?: unknown; message?: unknown };
    throw new KubeStatusError(what, status, typeof reason === 'string' ? reason : '', typeof message === 'string' ? message : '', waitMs);
  }

  return {
    server,
    async get(object, callOptions) {
      try {
        return asObject(await call(`get ${describeObject(object)}`, 'GET', pathOf(object), callOptions));
      } catch (error) {
        if (error instanceof KubeStatusError && error.status === 404) return undefined;
        throw error;
      }
    },
    async list(collection, callOptions, { fieldSelector, atMost = Number.POSITIVE_INFINITY } = {}) {
      const selector = fieldSelector === undefined ? '' : `&fieldSelector=${encodeURIComponent(fieldSelector)}`;
      const what = `list ${collection.resource}`;
      const items: KubeObject[] = [];
      let next = '';
      let pages = 0;
      do {
        if (++pages > MAX_PAGES) throw new KubeListTooLongError(what, MAX_PAGES);
        const query = `?limit=${Math.min(PAGE_SIZE, atMost)}${selector}${next === '' ? '' : `&continue=${encodeURIComponent(next)}`}`;
        const page = (await call(what, 'GET', collectionPath(collection) + query, callOptions)) as {
          items?: KubeObject[];
          metadata?: { continue?: string };
        };
        items.push(...(page.items ?? []));
        next = page.metadata?.continue ?? '';
      } while (next !== '' && items.length < atMost);
      return items.slice(0, atMost);
    },
    async logs({ namespace, pod, container, previous, lines, bytes }, { auditId }) {
      const path = `${pathOf({ apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace, name: pod })}/log`;
      const query = new URLSearchParams({
        container,
        timestamps: 'true',
        tailLines: String(lines),
        limitBytes: String(Math.max(bytes, MAX_LOG_BYTES)),
        ...(previous ? { previous: 'true' } : {}),
      });
      const what = `read the log of ${container} in ${namespace}/${pod}`;
      const { body, received } = await ask(what, 'GET', `${path}?${query}`, auditId, undefined, '', { bytes, what: 'end' });
      return { text: body, cut: received > body.length };
    },
    async create(collection, manifest, callOptions) {
      return asObject(await call(`create ${collection.resource}`, 'POST', collectionPath(collection), callOptions, manifest));
    },
    async patch(object, patch, callOptions) {
      return asObject(
        await call(`patch ${describeObject(object)}`, 'PATCH', pathOf(object), callOptions, patch, 'application/merge-patch+json'),
      );
    },
    async delete(object, { uid, resourceVersion, propagationPolicy, gracePeriodSeconds }, callOptions) {
      await call(`delete ${describeObject(object)}`, 'DELETE', pathOf(object), callOptions, {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
        ...(propagationPolicy === undefined ? {} : { propagationPolicy }),
        ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
      });
    },
    async mayI({ verb, object }, callOptions) {
      const { apiGroup, apiVersion, resource, namespace, name } = object;
      const review = (await call(
        `ask for access to ${describeObject(object)}`,
        'POST',
        '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        callOptions,
        {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SelfSubjectAccessReview',
          spec: {
            resourceAttributes: {
              verb,
              group: apiGroup,
              version: apiVersion,
              resource,
              name,
              ...(namespace === undefined ? {} : { namespace }),
            },
          },
        },
      )) as { status?: { allowed?: boolean } };
      return review.status?.allowed === true;
    },
    async maySubject({ username, groups }, { verb, apiGroup, resource }, callOptions) {
      const [name, subresource] = resource.split('/');
      const review = (await call(
        `ask whether ${username} may ${verb} ${resource}`,
        'POST',
        '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        callOptions,
        {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: {
            user: username,
            groups,
            resourceAttributes: { verb, group: apiGroup, resource: name!, ...(subresource === undefined ? {} : { subresource }) },
          },
        },
      )) as { status?: { allowed?: boolean } };
      return review.status?.allowed === true;
    },
    async whoAmI(callOptions) {
      const review = (await call('ask who this is', 'POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', callOptions, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'SelfSubjectReview',
      })) as { status?: { userInfo?: { username?: string } } };
      const username = review.status?.userInfo?.username;
      if (!username) throw new KubeConnectionError('asking who this is', 'got no user name');
      return username;
    },
    close: () => agent.destroy(),
  };
}

function parse(what: string, status: number, answer: Buffer): unknown {
  if (answer.length === 0) return undefined;
  try {
    return JSON.parse(answer.toString('utf8'));
  } catch {
    // A proxy's error page still tells by its status; an unreadable success tells nothing. The parser's own words quote the text: not passed on.
    if (status >= 300) return undefined;
    throw new KubeConnectionError(what, 'got text that is not JSON');
  }
}

/** A write only where the server refused it before looking at it. */
function maySendAgain(method: string, error: unknown): boolean {
  if (error instanceof KubeStatusError) return method === 'GET' ? error.retryable : error.status === 429;
  return method === 'GET' && error instanceof KubeConnectionError;
}

function asObject(value: unknown): KubeObject {
  const object = value as Partial<KubeObject> | undefined;
  if (typeof object?.metadata?.uid !== 'string' || typeof object.metadata.resourceVersion !== 'string') {
    throw new KubeConnectionError('reading an object', 'got one without metadata.uid and metadata.resourceVersion');
  }
  return object as KubeObject;
}
