import { gzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ReceivedItem, readTrigger, TriggerError } from '../../../../../shared/respond/alert-input/index.ts';
import { alertText, bindingAlert } from '../../../../support/alerts.ts';

const alert = bindingAlert();
const body = alertText(alert);
const sqs = (...bodies: unknown[]) => ({
  Records: bodies.map((text, at) => ({ eventSource: 'aws:sqs', messageId: `m${at}`, body: text })),
});
const sns = (...messages: unknown[]) => ({
  Records: messages.map((Message, at) => ({ EventSource: 'aws:sns', Sns: { MessageId: `n${at}`, Message } })),
});
const logs = (...messages: string[]) =>
  delivery({
    messageType: 'DATA_MESSAGE',
    logGroup: 'falco',
    logEvents: messages.map((message, at) => ({ id: `e${at}`, timestamp: 0, message })),
  });
const delivery = (envelope: unknown) => ({ awslogs: { data: gzipSync(JSON.stringify(envelope)).toString('base64') } });

const kinds = (items: readonly ReceivedItem[]) => items.map(({ kind }) => kind);
const reasonOf = (item: ReceivedItem | undefined) => (item && item.kind !== 'alert' ? item.reason : undefined);
const ruleOf = (item: ReceivedItem | undefined) => (item?.kind === 'alert' ? item.alert.rule : undefined);

describe('readTrigger', () => {
  it('takes an alert by direct invocation', () => {
    expect(ruleOf(readTrigger(JSON.parse(body))[0])).toBe(alert.rule);
  });

  it('takes alerts from SQS, and one bad body costs its neighbours nothing', () => {
    const items = readTrigger(sqs(body, '{"rule":', '{"rule":"x"}', '[]', '42', null, body));
    expect(kinds(items)).toEqual(['alert', 'rejected', 'rejected', 'rejected', 'rejected', 'rejected', 'alert']);
    expect(reasonOf(items[2])).toBe('source: missing; time: missing; priority: missing; output_fields: expected an object, got nothing');
    expect(items[1]?.via).toEqual({ kind: 'sqs', messageId: 'm1' });
  });

  it('takes alerts from SNS as raw JSON, directly and through SQS', () => {
    expect(ruleOf(readTrigger(sns(body))[0])).toBe(alert.rule);
    expect(ruleOf(readTrigger(sqs(JSON.stringify({ Type: 'Notification', MessageId: 'x', Message: body })))[0])).toBe(alert.rule);
  });

  it("refuses SNS's text form with the remedy", () => {
    const text = 'Warning Cluster Role Binding to cluster-admin role (user=mallory)';
    for (const item of [readTrigger(sns(text))[0], readTrigger(sqs(JSON.stringify({ Type: 'Notification', Message: text })))[0]]) {
      expect(item?.kind).toBe('rejected');
      expect(reasonOf(item)).toContain('AWS_SNS_RAWJSON=true');
    }
  });

  it('takes alerts from a FireLens log group, however deep FireLens put them, and leaves ordinary lines alone', () => {
    const task = { ecs_cluster: 'c', ecs_task_arn: 'arn:aws:ecs:eu-west-1:1:task/c/t', container_id: 'abc' };
    const pod = { eks_cluster: 'prod', kubernetes: { host: 'node-1', pod_name: 'falco-x', namespace_name: 'falco' } };
    const forged = JSON.stringify({ ...JSON.parse(body), output_fields: { cluster: 'another', 'ecs.cluster': 'another' } });
    const items = readTrigger(
      logs(
        body,
        JSON.stringify({ ...task, log: body }),
        JSON.stringify({ ...task, log: JSON.parse(body) }),
        JSON.stringify({ ...task, ...JSON.parse(body) }),
        JSON.stringify({ ...pod, log: forged }),
        'Falco initialized',
        '{"level":"info"}',
        '{"rule":1}',
      ),
    );
    expect(kinds(items)).toEqual(['alert', 'alert', 'alert', 'alert', 'alert', 'ignored', 'ignored', 'rejected']);
    const fields = items.map((item) => (item.kind === 'alert' ? item.alert.output_fields : {}));
    expect(fields[0]).not.toHaveProperty(['ecs.cluster']);
    for (const found of fields.slice(1, 4)) expect(found).toMatchObject({ 'ecs.cluster': 'c', 'ecs.task_arn': task.ecs_task_arn });
    // What the log agent says about its own node holds; whose log it is (Falco's) says nothing about who the alert is about.
    expect(fields[4]).toEqual({ cluster: 'prod', 'ecs.cluster': 'another', node: 'node-1' });
  });

  it('counts an alert that came in pieces as rejected, not as an ordinary line', () => {
    const piece = body.slice(0, 200);
    const items = readTrigger(
      logs(piece, JSON.stringify({ ecs_cluster: 'c', log: piece }), body.slice(200), JSON.stringify({ log: 'Falco initialized' })),
    );
    expect(kinds(items)).toEqual(['rejected', 'rejected', 'ignored', 'ignored']);
    expect(reasonOf(items[0])).toContain('in pieces');
    expect(reasonOf(items[0])).not.toContain('rule');
  });

  it('says by which road each came', () => {
    expect(readTrigger(JSON.parse(body))[0]?.via).toEqual({ kind: 'invoke' });
    expect(readTrigger(sqs(body, 'x')).map(({ via }) => via)).toEqual([
      { kind: 'sqs', messageId: 'm0' },
      { kind: 'sqs', messageId: 'm1' },
    ]);
    expect(readTrigger(sns(body))[0]?.via).toEqual({ kind: 'sns', messageId: 'n0' });
    for (const line of [body, 'x', '{}', '{'])
      expect(readTrigger(logs('x', line))[1]?.via, line).toEqual({ kind: 'logs', logGroup: 'falco', eventId: 'e1' });
  });

  it.each([
    ['nothing', null],
    ['an SQS record without an id', { eventSource: 'aws:sqs', body }],
    ['a record of another service', { eventSource: 'aws:s3', messageId: 'm', body }],
    ['an SNS record without an id', { EventSource: 'aws:sns', Sns: { Message: body } }],
    ['an SNS record without a message', { EventSource: 'aws:sns', Sns: 'x' }],
    ['a message of another service', { EventSource: 'aws:other', Sns: { MessageId: 'n', Message: body } }],
  ])('refuses %s among records, by its place', (_, record) => {
    const [good, bad] = readTrigger({ Records: [sqs(body).Records[0], record] });
    expect(good?.kind).toBe('alert');
    expect(bad).toMatchObject({
      kind: 'rejected',
      via: { kind: 'unknown', index: 1 },
      reason: expect.stringContaining('SQS or SNS record'),
    });
  });

  it('refuses a line that is no log event, by its place', () => {
    for (const line of [null, { id: 1, message: body }, { id: 'e', message: 1 }, { message: body }]) {
      const [bad, good] = readTrigger(
        delivery({ messageType: 'DATA_MESSAGE', logGroup: 'falco', logEvents: [line, { id: 'e1', message: body }] }),
      );
      expect(bad).toMatchObject({ kind: 'rejected', via: { kind: 'unknown', index: 0 } });
      expect(good?.kind).toBe('alert');
    }
  });

  it('takes an alert by what marks one, its rule or its fields', () => {
    for (const part of [{ rule: 'r' }, { output_fields: {} }]) {
      expect(reasonOf(readTrigger(part)[0])).toContain('source: missing');
      expect(reasonOf(readTrigger(logs(JSON.stringify(part)))[0])).toContain('source: missing');
    }
  });

  it('opens one envelope of SNS, not one inside it, and none that is no notification', () => {
    const envelope = (members: object) => JSON.stringify({ Type: 'Notification', Message: body, ...members });
    expect(
      kinds(readTrigger(sqs(envelope({}), envelope({ Message: envelope({}) }), envelope({ Type: 'Other' }), envelope({ Message: 1 })))),
    ).toEqual(['alert', 'rejected', 'rejected', 'rejected']);
  });

  it('takes a message of a mebibyte, and none beyond', () => {
    const long = (bytes: number) => `${' '.repeat(bytes - Buffer.byteLength(body))}${body}`;
    for (const road of [sqs, sns, logs] as const) {
      expect(readTrigger(road(long(1_048_576)))[0]?.kind).toBe('alert');
      expect(reasonOf(readTrigger(road(long(1_048_577)))[0])).toBe('longer than 1048576 bytes');
    }
  });

  it('takes 512 characters of what the log agent says', () => {
    const [item] = readTrigger(logs(JSON.stringify({ ecs_cluster: 'c'.repeat(600), ecs_task_arn: '', eks_cluster: 7, log: body })));
    const fields = item?.kind === 'alert' ? item.alert.output_fields : {};
    expect(fields['ecs.cluster']).toBe('c'.repeat(512));
    expect(fields).not.toHaveProperty(['ecs.task_arn']);
    expect(fields).not.toHaveProperty(['cluster']);
  });

  it.each([
    { messageType: 'OTHER', logEvents: [] },
    { messageType: 'DATA_MESSAGE' },
    { messageType: 'DATA_MESSAGE', logEvents: {} },
    [],
    'x',
  ])('refuses a delivery that is none: %j', (envelope) => {
    expect(() => readTrigger(delivery(envelope))).toThrow(/^Expected a CloudWatch Logs/);
  });

  it('answers a control message with nothing to do', () => {
    expect(readTrigger(delivery({ messageType: 'CONTROL_MESSAGE', logEvents: [] }))).toEqual([]);
  });

  it('refuses source tiercel before anything else', () => {
    for (const source of ['tiercel', ' Tiercel ']) {
      expect(reasonOf(readTrigger({ rule: 1, source, output_fields: 'x' })[0])).toContain('never acts on its own alerts');
    }
  });

  it('keeps every digit of nanosecond times', () => {
    const item = readTrigger(sqs(body.replace(/"evt.time":\d+/, '"evt.time":1795249494747143001')))[0];
    expect(item?.kind === 'alert' && item.alert.output_fields['evt.time']).toBe(1795249494747143001n);
  });

  it('bounds what it opens', () => {
    const bomb = { awslogs: { data: gzipSync(Buffer.alloc(80 * 1024 * 1024)).toString('base64') } };
    expect(() => readTrigger(bomb)).toThrow(/at most 67108864 bytes.*: Cannot create a Buffer larger/);
  });

  it.each([undefined, null, 42, 'x', [], {}, { awslogs: { data: 1 } }, { awslogs: { data: 'AAAA' } }, { Records: 'x' }])(
    'names what it takes when it gets %j',
    (event) => {
      expect(() => readTrigger(event)).toThrow(TriggerError);
    },
  );

  it('says what a command lacks', () => {
    expect(() => readTrigger({ source: 'tiercel.operator', 'detail-type': 'Response Approved', detail: { id: 'x' } })).toThrow(
      /detail type Response Approved.*`id` of a response and `by`/,
    );
  });

  it('never throws over a message, whatever is in it', () => {
    const anything = fc.oneof(
      fc.json(),
      fc.string(),
      fc.object().map((value) => JSON.stringify({ ...JSON.parse(body), output_fields: value })),
    );
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 5 }), (bodies) => {
        const items = readTrigger(sqs(...bodies, body));
        expect(items).toHaveLength(bodies.length + 1);
        expect(ruleOf(items.at(-1))).toBe(alert.rule);
      }),
    );
  });
});
