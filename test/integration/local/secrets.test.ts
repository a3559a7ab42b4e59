import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { delivery } from '../../support/cloudwatch.ts';
import { FalcoStandIn } from '../../support/falco-stand-in.ts';
import { lambdaContext } from '../../support/lambda-context.ts';
import { captureStdout } from '../../support/stdout.ts';

/** Stands for a secret in whatever a request carried. Nothing the functions print may hold it. */
const MARK = 'hunter2-MARK';

const root = resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'tiercel-secrets-'));

type Handler = (event: unknown, context: Context) => Promise<unknown>;

const event = (more: object = {}) => ({
  kind: 'Event',
  apiVersion: 'audit.k8s.io/v1',
  level: 'RequestResponse',
  auditID: 'a1',
  stage: 'ResponseComplete',
  requestURI: `/api/v1/namespaces/prod/pods/web/exec?command=${MARK}`,
  verb: 'create',
  user: { username: 'jane' },
  objectRef: { resource: 'pods', subresource: 'exec', namespace: 'prod', name: 'web', apiVersion: 'v1' },
  responseStatus: { code: 101 },
  requestObject: { kind: 'Secret', data: { password: MARK } },
  responseObject: { kind: 'Secret', data: { password: MARK } },
  requestReceivedTimestamp: '2026-11-21T10:00:00.000000Z',
  stageTimestamp: '2026-11-21T10:00:00.000000Z',
  ...more,
});

const whole = JSON.stringify(event());
/** Good, and broken in every way that has a message of its own. */
const LINES = [
  whole,
  JSON.stringify(event({ auditID: '' })),
  JSON.stringify(event({ stageTimestamp: MARK })),
  JSON.stringify({ kind: 'Pod', password: MARK }),
  `{"kind":"Event","password":"${MARK}",}`,
  `{"kind":"Event","auditID":"x","requestObject":{"password":"${MARK}`,
  `${MARK} not JSON at all`,
  `${whole.slice(0, whole.indexOf('responseStatus'))}[Truncated...]`,
  JSON.stringify(event({ requestObject: { kind: 'Secret', data: { password: `${MARK}${'x'.repeat(400_000)}` } } })),
];

const alert = (more: object = {}, fields: object = {}) => ({
  rule: 'A rule',
  priority: 'Critical',
  source: 'k8s_audit',
  time: new Date().toISOString(),
  output: `something happened (password=${MARK})`,
  output_fields: {
    'ka.auditid': 'a1',
    'ka.verb': 'create',
    'ka.uri': `/api/v1/namespaces/prod/pods/web/exec?command=${MARK}`,
    'ka.user.name': 'jane',
    'ka.target.resource': 'pods',
    'ka.target.namespace': 'prod',
    'ka.target.name': 'web',
    'tiercel.received': new Date().toISOString(),
    'ka.req.secret': MARK,
    'ka.uri.param[command]': MARK,
    'jevt.value[/requestObject/data/password]': MARK,
    ...fields,
  },
  ...more,
});

describe('what the functions print', () => {
  let falco: FalcoStandIn;
  let out: ReturnType<typeof captureStdout>;

  beforeAll(async () => {
    falco = await FalcoStandIn.start();
  });
  afterAll(async () => {
    await falco.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The function as it is deployed, talkative, with state in a folder. */
  async function load(name: string, environment: Record<string, string> = {}): Promise<Handler> {
    vi.resetModules();
    const settings = {
      TIERCEL_STAGE: 'local',
      DETECTION: 'falco',
      FALCO_URL: falco.url,
      STATE_DIR: join(folder, 'state'),
      OBJECTS_DIR: folder,
      RULES: join(root, 'rules/falco'),
      APPEND_OUTPUT: join(root, 'rules/append-output.yaml'),
      POLICY_PATH: join(root, 'rules/respond'),
      JOURNAL: 'memory',
      MODE: 'shadow',
      POWERTOOLS_LOG_LEVEL: 'DEBUG',
      POWERTOOLS_DEV: 'false',
      ...environment,
    };
    for (const [variable, value] of Object.entries(settings)) vi.stubEnv(variable, value);
    return (await import(`../../../functions/${name}/handler.ts`)).handler as Handler;
  }

  /** Everything printed, and what came out, while the function is called with each event. */
  async function printed(handler: Handler, events: readonly unknown[]): Promise<string> {
    out = captureStdout();
    try {
      // Lambda logs what is thrown, with its stack.
      const thrown: string[] = [];
      for (const given of events)
        await handler(given, lambdaContext(20_000)).catch((error: unknown) => thrown.push(inspect(error, { depth: 10 })));
      return out.text() + thrown.join('\n');
    } finally {
      out.restore();
      vi.unstubAllEnvs();
    }
  }

  const sqs = (...bodies: readonly unknown[]) => ({
    Records: bodies.map((body, at) => ({
      messageId: `m${at}`,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:eu-central-1:1:q',
      attributes: { ApproximateReceiveCount: '1' },
    })),
  });

  it('audit-stream: nothing of an event, whole or broken, delivered or parked', async () => {
    const events = [delivery(LINES), { awslogs: { data: MARK } }, { password: MARK }, MARK];
    falco.behave({ kind: 'accept' });
    const good = await printed(await load('audit-stream'), events);
    expect(good).toContain('events were quarantined');
    expect(good).toContain('"EventsReceived"');
    expect(good).not.toContain(MARK);
    falco.behave({ kind: 'status', code: 500 });
    const parked = await printed(await load('audit-stream', { FALCO_REQUEST_TIMEOUT_MS: '500' }), [
      delivery(LINES, { logStream: 'kube-apiserver-audit-b' }),
    ]);
    expect(parked).toContain('events were parked');
    expect(parked).not.toContain(MARK);
  });

  it('audit-stream: nothing of it in an error either', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    const text = await printed(await load('audit-stream', { STATE_DIR: join(file, 'below') }), [delivery(LINES)]);
    expect(text).toContain('delivery not finished');
    expect(text).not.toContain(MARK);
  });

  it('audit-archive: nothing of an object, or of a message that announces none', async () => {
    mkdirSync(join(folder, 'bucket'), { recursive: true });
    writeFileSync(join(folder, 'bucket/object'), LINES.join('\n'));
    falco.behave({ kind: 'accept' });
    const announcement = { Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'bucket' }, object: { key: 'object' } } }] };
    const text = await printed(await load('audit-archive'), [
      sqs(announcement, MARK, { password: MARK }, delivery(LINES, { logStream: 'kube-apiserver-audit-c' })),
    ]);
    expect(text).toContain('object done');
    expect(text).not.toContain(MARK);
  });

  it('respond: nothing of what an alert’s request carried, whether it is taken or not', async () => {
    const firelens = delivery(
      [
        JSON.stringify({ log: JSON.stringify(alert()), ecs_cluster: 'c' }),
        `${MARK} a line`,
        JSON.stringify({ log: `{"rule": "x", ${MARK}` }),
      ],
      {
        logGroup: 'falco',
      },
    );
    const sample = JSON.parse(readFileSync(join(root, 'events/respond/exec.json'), 'utf8')) as ReturnType<typeof alert>;
    const matched = {
      ...sample,
      output: MARK,
      output_fields: { ...sample.output_fields, 'ka.uri': `${sample.output_fields['ka.uri']}&command=${MARK}`, 'ka.req.secret': MARK },
    };
    const events = [
      matched,
      alert(),
      sqs(
        alert({ rule: 'Another rule' }),
        `Critical something happened (password=${MARK})`,
        `{"rule": "r", "output": "${MARK}`,
        alert({ output_fields: MARK }),
        alert({}, { 'ka.req.object': { password: MARK } }),
        { Type: 'Notification', Message: `Critical something happened (password=${MARK})` },
      ),
      { Records: [{ password: MARK }] },
      { Records: [{ EventSource: 'aws:sns', Sns: { MessageId: 'n', Message: `Critical (password=${MARK})` } }] },
      firelens,
      { password: MARK },
      MARK,
    ];
    const text = await printed(await load('respond'), events);
    expect(text).toContain('alert rejected');
    expect(text).toContain('response decided');
    expect(text).toContain('"AlertsReceived"');
    expect(text).not.toContain(MARK);
  });
});
