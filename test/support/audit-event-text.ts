import fc from 'fast-check';

/**
 * Texts of audit events as they come, and as nobody should send them: few values, so that rules meet them; members missing, null, of the wrong
 * type, twice, in any order, with escapes, blanks and NULs.
 */

export const USERS = ['alice', 'system:node:a', 'system:anonymous', 'eks:x', 'Zoë', ''] as const;
export const VERBS = ['get', 'list', 'create', 'update', 'delete'] as const;
export const STAGES = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export const RESOURCES = ['pods', 'secrets', 'configmaps', 'nodes'] as const;
export const SUBRESOURCES = ['exec', 'status', 'portforward'] as const;
export const NAMESPACES = ['default', 'kube-system'] as const;
export const NAMES = ['a', 'system:b', 'c'] as const;
export const CODES = ['200', '201', '403', '404'] as const;
export const URIS = ['/api/v1/pods', '/api/v1/pods?dryRun=All&x=1', '/healthz', '/livez?a=1;b', '//x/%zz'] as const;
export const GROUPS = ['devs', 'system:masters'] as const;
export const TIMES = ['2026-05-06T07:08:09.123456Z', '1970-01-01T00:00:00Z', '1970-01-01T01:00:00+01:00', '2026-05-06T07:08:09Z'] as const;

type Json = string;

/** Draws from a sequence that a seed fixes: quicker by far than an arbitrary per member, and a failing text is printed whole anyway. */
class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** Uniform in [0, below). */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  }

  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }
}

type Maker = (draw: Draw) => Json;

/** A JSON string, sometimes with escapes that stand for the same text, or with a NUL behind it. */
function quoted(text: string, draw: Draw): Json {
  const chance = draw.below(22);
  if (chance === 0) return `"${[...text].map(escaped).join('')}"`;
  return JSON.stringify(chance === 1 ? `${text}\0tail` : text);
}

function escaped(char: string): string {
  return [...char].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
}

function from(values: readonly string[]): Maker {
  return (draw) => (draw.below(25) === 0 ? draw.of(['null', '7', 'true', '{}', '["x"]', '1.50', 'NaN']) : quoted(draw.of(values), draw));
}

function oneOf(...texts: readonly Json[]): Maker {
  return (draw) => draw.of(texts);
}

/** An object of members, each there with a probability (in tenths), some twice. */
function object(members: Readonly<Record<string, readonly [tenths: number, value: Maker]>>): Maker {
  return (draw) => {
    const parts: (readonly [key: Json, value: Json])[] = [];
    for (const [key, [tenths, value]] of Object.entries(members)) {
      if (draw.below(10) >= tenths) continue;
      parts.push([draw.below(60) === 0 ? `"${escaped(key[0]!)}${key.slice(1)}"` : JSON.stringify(key), value(draw)]);
      if (draw.below(40) === 0) parts.push([JSON.stringify(key), value(draw)]);
    }
    if (draw.below(30) === 0) parts.reverse();
    const [colon, comma] = draw.below(30) === 0 ? [' : ', ' ,\n'] : [':', ','];
    return `{${parts.map(([key, value]) => key + colon + value).join(comma)}}`;
  };
}

function array(item: Maker): Maker {
  return (draw) => `[${Array.from({ length: draw.below(4) }, () => item(draw)).join(',')}]`;
}

const container = object({
  name: [9, from(NAMES)],
  image: [9, from(['nginx:1', 'evil/x:2', 'registry:5000/a@sha256:1'])],
  command: [3, array(from(['sh', '-c', 'id']))],
  securityContext: [5, object({ privileged: [6, oneOf('true', 'false')], runAsUser: [3, oneOf('0', '1000')] })],
  ports: [2, array(object({ hostPort: [5, oneOf('80', '443')], containerPort: [8, oneOf('8080')] }))],
});

const spec = object({
  containers: [9, array(container)],
  initContainers: [2, array(container)],
  hostNetwork: [3, oneOf('true', 'false')],
  volumes: [3, array(object({ name: [9, from(NAMES)], hostPath: [6, object({ path: [9, from(['/etc', '/'])] })] }))],
});

const requestObject = object({
  spec: [7, spec],
  data: [3, object({ password: [5, from(['x'])], k: [5, from(['<y>'])] })],
  rules: [3, array(object({ verbs: [8, array(from(['*', 'get']))], resources: [8, array(from(RESOURCES))] }))],
  roleRef: [3, object({ name: [9, from(['cluster-admin', 'view'])] })],
  subjects: [
    3,
    array(object({ kind: [9, from(['User', 'Group', 'ServiceAccount'])], name: [9, from(USERS)], namespace: [5, from(NAMESPACES)] })),
  ],
  stageTimestamp: [1, from(TIMES)],
});

const event = object({
  kind: [10, oneOf('"Event"')],
  apiVersion: [9, oneOf('"audit.k8s.io/v1"')],
  level: [9, from(['Metadata', 'RequestResponse'])],
  auditID: [9, from(['e0da8dba', 'x'])],
  stage: [9, from(STAGES)],
  requestURI: [9, from(URIS)],
  verb: [9, from(VERBS)],
  user: [9, object({ username: [9, from(USERS)], groups: [7, array(from(GROUPS))], extra: [2, object({ a: [5, from(['b'])] })] })],
  impersonatedUser: [1, object({ username: [9, from(USERS)] })],
  sourceIPs: [8, array(from(['10.0.0.1', '127.0.0.1']))],
  userAgent: [8, from(['kubectl/v1', 'curl'])],
  objectRef: [
    9,
    object({
      resource: [9, from(RESOURCES)],
      subresource: [3, from(SUBRESOURCES)],
      namespace: [6, from(NAMESPACES)],
      name: [6, from(NAMES)],
      apiGroup: [3, from(['apps'])],
    }),
  ],
  responseStatus: [8, object({ metadata: [9, oneOf('{}')], code: [9, oneOf(...CODES)], reason: [2, from(['Forbidden'])] })],
  requestObject: [5, requestObject],
  responseObject: [4, object({ metadata: [9, object({ name: [9, from(NAMES)] })], stageTimestamp: [1, from(TIMES)] })],
  requestReceivedTimestamp: [9, from(TIMES)],
  stageTimestamp: [10, (draw) => (draw.below(10) === 0 ? from(TIMES)(draw) : JSON.stringify(draw.of(TIMES)))],
  annotations: [8, object({ 'authorization.k8s.io/decision': [9, from(['allow', 'forbid'])], cluster_name: [3, from(['dev'])] })],
});

/** The raw text of one event; the seed fixes it. */
export function auditEventFrom(seed: number): string {
  return event(new Draw(seed));
}

export const auditEventText: fc.Arbitrary<string> = fc.noShrink(fc.integer()).map(auditEventFrom);
