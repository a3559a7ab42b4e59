import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auditEvent } from '../../../../../events/generate.ts';
import { type AuditRecord, prepare, verifyMac } from '../../../../../shared/audit/index.ts';
import type { FalcoAlert } from '../../../../../shared/falco/alert.ts';
import { alertToJson, createEvaluator, loadRules, readAppendOutput } from '../../../../../shared/falco/engine/index.ts';
import { fieldText } from '../../../../../shared/respond/fields.ts';
import { eventIdentity } from '../../../../../shared/respond/identity.ts';
import { cut } from '../../../../support/alerts.ts';
import { MAC_KEY } from '../../../../support/responder.ts';

const root = resolve(import.meta.dirname, '../../../../..');
const loaded = loadRules([
  {
    name: 'all.yaml',
    text: '- rule: All\n  desc: d\n  condition: ka.verb exists\n  output: o\n  priority: NOTICE\n  source: k8s_audit\n',
  },
]);
if (!loaded.loads) throw new Error('the rule does not load');
const evaluator = createEvaluator(loaded.rules, {
  appendOutput: readAppendOutput(readFileSync(resolve(root, 'rules/append-output.yaml'), 'utf8')),
});

/** Event → ingest's stamps → the engine's rendering → JSON, long texts cut as Falcosidekick does. */
function alertOf(text: string, more: Partial<AuditRecord> = {}, maxEventBytes = 262_144): FalcoAlert {
  const prepared = prepare(
    {
      raw: Buffer.from(text),
      origin: { kind: 'file', path: 'x', offset: 0, line: 1 },
      identity: { cluster: 'prod', account: '111122223333', region: 'eu-west-1' },
      ...more,
    },
    { mac: MAC_KEY },
    { maxEventBytes },
  );
  if (prepared.kind !== 'record') throw new Error(prepared.reject.message);
  const verdict = evaluator.evaluate(prepared.record.raw);
  if (verdict.kind !== 'evaluated' || !verdict.alerts[0]) throw new Error('expected an alert');
  const alert = JSON.parse(alertToJson(verdict.alerts[0])) as FalcoAlert;
  const fields = Object.entries(alert.output_fields).map(([name, value]) => {
    const long = typeof value === 'string' && Buffer.byteLength(value) > 512;
    return [name, long ? cut(value) : value];
  });
  return { ...alert, output_fields: Object.fromEntries(fields) };
}

function verdictOf(alert: FalcoAlert) {
  const identity = eventIdentity(alert);
  return identity.known ? verifyMac([MAC_KEY], fieldText(alert, 'tiercel.mac'), identity.facts) : identity;
}

const STATUS = { kind: 'Status', metadata: {}, details: { uid: 'u' } };
const SAMPLES = ['exec-started', 'bind-cluster-admin', 'invalid-token', 'secret-list-cluster', 'ephemeral-container', 'privileged-pod'];
const pod = auditEvent('privileged-pod');
interface Sample {
  objectRef: { name?: string };
  requestURI: string;
  user: { groups?: string[] };
  annotations: Record<string, string>;
  requestObject: { spec: Record<string, unknown> };
  responseObject?: Record<string, unknown> & { metadata: Record<string, unknown> };
}
const change = (edit: (event: Sample) => void) => {
  const event = JSON.parse(pod);
  edit(event);
  return JSON.stringify(event);
};

describe('what ingest signs', () => {
  it.each(SAMPLES)('verifies in the alert about %s', (name) => {
    expect(verdictOf(alertOf(auditEvent(name)))).toMatchObject({ ok: true });
  });

  it.each([
    ['created with generateName', change((event) => delete event.objectRef.name)],
    ['answered with a Status', change((event) => (event.responseObject = STATUS))],
    ['of a deletion, answered with a Status', change((event) => Object.assign(event, { verb: 'delete', responseObject: STATUS }))],
    [
      'of a deletion, answered with UIDs in both places',
      change((event) => {
        Object.assign(event, { verb: 'delete' });
        event.responseObject!.details = { uid: 'another' };
      }),
    ],
    [
      'of a caller whose names go beyond ASCII',
      change((event) => Object.assign(event.user, { username: 'zoë', groups: ['équipe', '管理'] })),
    ],
    ['whose groups are spelled with escapes and blanks', pod.replace(/"groups":\[[^\]]*\]/, '"groups":[ "\\u0061", "b\\/c" ]')],
    ['with UIDs in both places', change((event) => (event.responseObject!.details = { uid: 'another' }))],
    ['without an answer', change((event) => delete event.responseObject)],
    ['whose caller has no groups', change((event) => delete event.user.groups)],
    ['whose caller has an empty list of groups', change((event) => (event.user.groups = []))],
    ['with a long URI', change((event) => (event.requestURI += `?fieldManager=${'é'.repeat(400)}`))],
    ['that the API server cut', change((event) => (event.annotations['audit.k8s.io/truncated'] = 'true'))],
    ['whose annotation pads it', change((event) => (event.responseObject!.metadata.annotations = { padding: 'x'.repeat(300_000) }))],
    ['whose spec pads it', change((event) => (event.requestObject.spec.padding = Array(40).fill('x'.repeat(10_000))))],
    ['nested too deeply', pod.replace('"requestObject":{', `"requestObject":{"a":${'['.repeat(400)}${']'.repeat(400)},`)],
  ])('verifies in the alert about an event %s', (_, text) => {
    expect(verdictOf(alertOf(text))).toMatchObject({ ok: true });
  });

  it('names no happening once the log agent cut off its time of receipt, which stands behind the objects', () => {
    const head = pod.slice(0, pod.indexOf('"responseObject"') + 40);
    const alert = alertOf(`${head}[Truncated...]`, { salvage: { timestampMs: Date.parse('2026-11-21T08:24:55Z') } });
    expect(verdictOf(alert)).toEqual({ known: false, missing: ['tiercel.received'], truncated: [] });
    expect(fieldText(alert, 'tiercel.truncated')).toBe('true');
  });

  it('does not verify once any field that it covers is another one, is missing, or came from nowhere', () => {
    const covered = [
      ...['ka.auditid', 'tiercel.received', 'ka.verb', 'ka.uri', 'ka.user.name', 'ka.user.groups', 'ka.stage', 'ka.response.code'],
      ...['ka.target.resource', 'ka.target.subresource', 'ka.target.namespace', 'ka.target.name', 'ka.resp.name', 'ka.cluster.name'],
      ...[
        'tiercel.ref_uid',
        'tiercel.uid',
        'tiercel.apigroup',
        'tiercel.apiversion',
        'tiercel.account',
        'tiercel.region',
        'tiercel.truncated',
      ],
    ];
    const alerts = SAMPLES.map((name) => alertOf(auditEvent(name)));
    fc.assert(
      fc.property(
        fc.constantFrom(...alerts),
        fc.constantFrom(...covered),
        fc.constantFrom(null, '<NA>', '', 'other', 'kube-system'),
        (alert, field, value) => {
          const before = alert.output_fields[field] ?? null;
          const missing = (candidate: unknown) => candidate === null || candidate === '' || candidate === '<NA>';
          fc.pre(before !== value && !(missing(before) && missing(value)));
          expect(verdictOf({ ...alert, output_fields: { ...alert.output_fields, [field]: value } })).not.toMatchObject({ ok: true });
        },
      ),
    );
  });
});
