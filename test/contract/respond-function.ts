import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CommandResult, RespondResult } from '../../functions/respond/acknowledge.ts';
import type { FalcoAlert } from '../../shared/falco/alert.ts';
import { systemClock } from '../../shared/platform/clock.ts';
import type { ClusterEndpoint, JsonValue, KubeClient, KubeObject, ObjectReference } from '../../shared/platform/kube/index.ts';
import { type Command, commandEvent, createDynamoDBJournal, createDynamoDBModeSwitch, type Mode } from '../../shared/respond/index.ts';
import { undo } from '../../shared/respond/undo.ts';
import { alertText, bindingAlert } from '../support/alerts.ts';
import { type AwsServer, startAwsServer } from '../support/aws-server.ts';
import { startDynalite } from '../support/dynalite.ts';
import { createRespondTables } from '../support/respond-tables.ts';
import { sign } from '../support/responder.ts';

/** A cluster the function can be pointed at. */
export interface Reachable {
  /** As respond signs in. */
  readonly endpoint: ClusterEndpoint;
  readonly token: string;
  /** Somebody who may do everything; the namespace `prod` is there. */
  readonly admin: KubeClient;
  stop(): Promise<void>;
}

export const RESPOND_FUNCTION_POLICIES = `
- policy: bindings
  description: d
  mode: enforce
  match: {source: k8s_audit, rules: [Attach to cluster-admin Role]}
  actions: [{action: delete-binding}]
- policy: two
  description: d
  mode: enforce
  match: {source: k8s_audit, rules: [Binding to edit]}
  actions: [{action: delete-binding}]
  budget: {policy: 2}
- policy: asking
  description: d
  mode: enforce
  match: {source: k8s_audit, rules: [Create Privileged Pod]}
  actions: [{action: isolate-pod, with: {enforcement: assume}}]
  approval: {within: 1h}
- policy: passing
  description: d
  mode: enforce
  match: {source: k8s_audit, rules: [Pod Marked]}
  actions: [{action: label, with: {resources: [pods], labels: {suspect: "true"}}}]
  ttl: 5s
`;

const CALL = { auditId: 'test' };
const RBAC = { apiGroup: 'rbac.authorization.k8s.io', apiVersion: 'v1', resource: 'clusterrolebindings' } as const;
const PODS = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'prod' } as const;
const NAMES = { journal: 'journal', idempotency: 'once' };
let serial = 0;

/** The respond function as Lambda runs it, enforcing: handler, wiring, tables (dynalite), and a cluster over HTTPS. */
export function respondFunctionContract(name: string, open: () => Promise<Reachable>): void {
  describe(`the respond function, enforcing: ${name}`, () => {
    let cluster: Reachable;
    let dynamodb: Awaited<ReturnType<typeof startDynalite>>;
    let aws: AwsServer;
    let folder: string;
    let invoke: (event: unknown) => Promise<RespondResult & CommandResult>;

    beforeAll(async () => {
      [cluster, dynamodb, aws] = await Promise.all([open(), startDynalite(), startAwsServer()]);
      await createRespondTables(dynamodb.client, NAMES);
      folder = mkdtempSync(join(tmpdir(), 'tiercel-respond-'));
      mkdirSync(join(folder, 'policies'));
      writeFileSync(join(folder, 'policies', 'policies.yaml'), RESPOND_FUNCTION_POLICIES);
      writeFileSync(join(folder, 'kubeconfig'), kubeconfigOf(cluster));
      invoke = await coldStart();
    });
    afterAll(async () => {
      vi.unstubAllEnvs();
      rmSync(folder, { recursive: true, force: true });
      await Promise.all([cluster.stop(), dynamodb.stop(), aws.stop()]);
    });

    /** A fresh sandbox: a module configured by nothing but the environment. */
    async function coldStart(): Promise<typeof invoke> {
      const settings = {
        TIERCEL_STAGE: 'local',
        MODE: 'enforce',
        JOURNAL: 'dynamodb',
        JOURNAL_TABLE: NAMES.journal,
        IDEMPOTENCY_TABLE: NAMES.idempotency,
        POLICY_PATH: join(folder, 'policies'),
        KUBECONFIG_PATH: join(folder, 'kubeconfig'),
        MAC_KEY_SECRET_ID: 'mac',
        OWN_USERNAME: 'tiercel-respond',
        EXPIRY_GROUP: 'tiercel',
        EXPIRY_ROLE_ARN: 'arn:aws:iam::111122223333:role/expiry',
        EXPIRY_TARGET_ARN: 'arn:aws:lambda:eu-west-1:111122223333:function:respond',
        AWS_REGION: 'eu-west-1',
        AWS_ACCESS_KEY_ID: 'local',
        AWS_SECRET_ACCESS_KEY: 'local',
        AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
        POWERTOOLS_LOG_LEVEL: 'SILENT',
        POWERTOOLS_METRICS_DISABLED: 'true',
        ...aws.environment,
      };
      for (const [setting, value] of Object.entries(settings)) vi.stubEnv(setting, value);
      vi.resetModules();
      const { handler } = await import('../../functions/respond/handler.ts');
      const context = { awsRequestId: 'r', functionName: 'respond', getRemainingTimeInMillis: () => 30_000 } as unknown as Context;
      return (event) => handler(event as never, context) as Promise<RespondResult & CommandResult>;
    }

    const journal = () =>
      createDynamoDBJournal({ client: dynamodb.client, tableName: NAMES.journal, clock: systemClock, retentionSeconds: 86_400 });
    const turn = (mode: Mode) =>
      createDynamoDBModeSwitch({ client: dynamodb.client, tableName: NAMES.journal }).turn({ mode, by: 'ann', at: '', why: 'drill' });
    const told = (verb: Command['verb'], id: string) => ({ version: '0', ...commandEvent({ verb, id, by: 'ann' }) });
    const live = (reference: ObjectReference) => cluster.admin.get(reference, CALL);

    async function make(
      reference: ObjectReference,
      manifest: Record<string, JsonValue>,
      rule: string,
    ): Promise<{ live: KubeObject; alert: string }> {
      const metadata = {
        name: reference.name,
        ...(reference.namespace === undefined ? {} : { namespace: reference.namespace }),
        labels: { app: 'web' },
      };
      const made = await cluster.admin.create(reference, { ...manifest, metadata }, CALL);
      return { live: made, alert: alertText(alertAbout(reference, made, rule)) };
    }
    const binding = async (rule = 'Attach to cluster-admin Role') => {
      const reference = { ...RBAC, name: `pwn-${++serial}` };
      const roleRef = { apiGroup: RBAC.apiGroup, kind: 'ClusterRole', name: 'view' };
      return { reference, ...(await make(reference, { apiVersion: `${RBAC.apiGroup}/v1`, kind: 'ClusterRoleBinding', roleRef }, rule)) };
    };
    const pod = async (rule = 'Create Privileged Pod') => {
      const reference = { ...PODS, name: `web-${++serial}` };
      return {
        reference,
        ...(await make(reference, { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'c', image: 'nginx' }] } }, rule)),
      };
    };

    it('acts on an alert of a queue, once, whatever road and sandbox it comes by again', async () => {
      const { reference, alert } = await binding();
      const result = await invoke(sqs(alert));
      expect(result).toMatchObject({ batchItemFailures: [], responses: [{ status: 'done', policy: 'bindings' }] });
      expect(await live(reference)).toBeUndefined();
      expect((await invoke(sqs(alert))).alerts).toMatchObject({ answered: 1, duplicate: 1 });
      const another = await coldStart();
      expect((await another({ ...JSON.parse(alert), uuid: 'x' })).alerts).toMatchObject({ answered: 1, duplicate: 1 });
      expect((await journal().find(result.responses[0]!.id))?.steps).toMatchObject([{ state: 'done', effect: { verb: 'delete' } }]);
    });

    it('is undone from the journal alone', async () => {
      const { reference, alert } = await binding();
      const { responses } = await invoke(JSON.parse(alert));
      const entry = (await journal().find(responses[0]!.id))!;
      const undone = await undo(entry, { by: 'ann', force: false }, { clock: systemClock, journal: journal(), client: cluster.admin });
      expect(undone.status).toBe('undone');
      expect(await live(reference)).toMatchObject({ roleRef: { name: 'view' } });
      expect((await journal().find(entry.id))?.status).toBe('undone');
    });

    it('asks, and does what it is told by EventBridge: yes, yes again, no', async () => {
      const { reference, alert } = await pod();
      const [asked] = (await invoke(sqs(alert))).responses;
      expect(asked).toMatchObject({ status: 'awaiting-approval', policy: 'asking' });
      expect((await live(reference))?.metadata.labels).toEqual({ app: 'web' });
      expect(await invoke(told('approve', asked!.id))).toEqual({ id: asked!.id, status: 'done', remark: 'approved by ann' });
      const isolated = (await live(reference))!.metadata;
      expect(isolated.labels).toHaveProperty('tiercel.dev/quarantine');
      expect(await invoke(told('approve', asked!.id))).toMatchObject({ status: 'done' });
      expect((await live(reference))?.metadata.resourceVersion).toBe(isolated.resourceVersion);
      await expect(invoke(told('deny', asked!.id))).rejects.toThrow('it is done, not awaiting approval');

      const other = await pod();
      const [question] = (await invoke(sqs(other.alert))).responses;
      expect(await invoke(told('deny', question!.id))).toMatchObject({ status: 'denied', remark: 'denied by ann' });
      await expect(invoke(told('approve', question!.id))).rejects.toThrow('it is denied');
      expect((await live(other.reference))?.metadata.labels).toEqual({ app: 'web' });
    });

    it('carries out once what two people approve at once', async () => {
      const { reference, alert } = await pod();
      const [asked] = (await invoke(sqs(alert))).responses;
      const results = await Promise.allSettled([1, 2, 3].map(() => invoke(told('approve', asked!.id))));
      expect(results.some(({ status }) => status === 'fulfilled')).toBe(true);
      const entry = (await journal().find(asked!.id))!;
      expect(entry.status).toBe('done');
      const policies = await cluster.admin.list(
        { apiGroup: 'networking.k8s.io', apiVersion: 'v1', resource: 'networkpolicies', namespace: 'prod' },
        CALL,
      );
      expect(policies.filter(({ metadata }) => metadata.annotations?.['tiercel.dev/response'] === asked!.id)).toHaveLength(1);
      expect((await live(reference))?.metadata.labels).toHaveProperty('tiercel.dev/quarantine');
    });

    it('ends by the clock what a policy wants ended', async () => {
      const { reference, alert } = await pod('Pod Marked');
      const [done] = (await invoke(sqs(alert))).responses;
      expect(done).toMatchObject({ status: 'done', policy: 'passing' });
      expect((await live(reference))?.metadata.labels).toEqual({ app: 'web', suspect: 'true' });
      const schedule = aws.schedules.find((each) => each.name.startsWith(done!.id));
      const entry = (await journal().find(done!.id))!;
      expect(schedule?.expression).toBe(`at(${new Date(entry.expiresAtMs!).toISOString().slice(0, 19)})`);
      expect(await invoke(schedule!.input)).toEqual({ id: done!.id, status: 'undone', remark: 'undone by the clock' });
      expect((await live(reference))?.metadata.labels).toEqual({ app: 'web' });
      expect(await invoke(schedule!.input)).toMatchObject({ status: 'undone' });
    });

    it('spends no more than the budget, also when all come at once', async () => {
      const made = await Promise.all(Array.from({ length: 5 }, () => binding('Binding to edit')));
      const { responses, batchItemFailures } = await invoke(sqs(...made.map(({ alert }) => alert)));
      expect(batchItemFailures).toEqual([]);
      expect(responses.map(({ status }) => status).sort()).toEqual(['done', 'done', 'refused', 'refused', 'refused']);
      for (const { refusedBy } of responses.filter(({ status }) => status === 'refused')) {
        expect(refusedBy).toEqual([expect.stringContaining('the budget of policy two is spent: 2 in this window')]);
      }
      const left = await Promise.all(made.map(({ reference }) => live(reference)));
      expect(left.filter((object) => object !== undefined)).toHaveLength(3);
    });

    it('stops at the switch, also between the question and the answer', async () => {
      const waiting = await pod();
      const [asked] = (await invoke(sqs(waiting.alert))).responses;
      const { reference, alert } = await binding();
      await turn('shadow');
      expect((await invoke(sqs(alert))).responses).toMatchObject([{ status: 'planned' }]);
      await expect(invoke(told('approve', asked!.id))).rejects.toThrow('the mode is shadow');
      await turn('off');
      const ignored = await binding();
      expect((await invoke(sqs(ignored.alert))).responses).toEqual([]);
      expect(await Promise.all([live(reference), live(ignored.reference)])).not.toContain(undefined);
      await turn('enforce');
      expect(await invoke(told('approve', asked!.id))).toMatchObject({ status: 'done' });
    });

    it('refuses what it did not sign', async () => {
      const { reference, alert } = await binding();
      const forged = JSON.parse(alert) as FalcoAlert;
      const fields = { ...forged.output_fields, 'ka.user.name': 'somebody-else' };
      expect((await invoke({ ...forged, output_fields: fields })).responses).toMatchObject([
        { status: 'refused', refusedBy: ['signed: tiercel.mac does not belong to this event'] },
      ]);
      expect(await live(reference)).toBeDefined();
    });
  });
}

const sqs = (...bodies: string[]) => ({ Records: bodies.map((body, at) => ({ eventSource: 'aws:sqs', messageId: `m${at}`, body })) });

/** The alert about the creation of an object, signed. */
function alertAbout({ apiGroup, resource, namespace, name }: ObjectReference, { metadata }: KubeObject, rule: string): FalcoAlert {
  const now = new Date().toISOString();
  const root = apiGroup === '' ? '/api/v1' : `/apis/${apiGroup}/v1`;
  const fields = {
    'ka.auditid': `audit-${name}`,
    'ka.target.resource': resource,
    'ka.target.namespace': namespace ?? null,
    'ka.target.name': name,
    'ka.resp.name': name,
    'ka.uri': `${root}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${resource}`,
    'tiercel.apigroup': apiGroup === '' ? '<NA>' : apiGroup,
    'tiercel.uid': metadata.uid,
    'tiercel.received': now,
    'tiercel.stage_time': now,
  };
  return sign(bindingAlert(fields, { time: now, rule }));
}

function kubeconfigOf({ endpoint, token }: Reachable): string {
  return JSON.stringify({
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'respond' } }],
    clusters: [
      {
        name: 'test',
        cluster: { server: endpoint.server, 'certificate-authority-data': Buffer.from(endpoint.caPem ?? '').toString('base64') },
      },
    ],
    users: [{ name: 'respond', user: { token } }],
  });
}
