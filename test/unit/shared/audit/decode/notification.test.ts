import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseObjectNotifications } from '../../../../../shared/audit/index.ts';

const s3 = (key: string, more: object = {}) => ({
  Records: [
    {
      eventSource: 'aws:s3',
      eventName: 'ObjectCreated:Put',
      awsRegion: 'eu-west-1',
      s3: { bucket: { name: 'b' }, object: { key, size: 7, sequencer: '00AF', versionId: 'v1', ...more } },
    },
  ],
});
const sqs = (...bodies: string[]) => ({
  Records: bodies.map((body, index) => ({ messageId: String(index), eventSource: 'aws:sqs', body })),
});
const formEncoded = (key: string) => encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');

describe('parseObjectNotifications', () => {
  it('finds the same key through every wrapping', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }), (key) => {
        const direct = s3(formEncoded(key));
        const bridge = {
          'detail-type': 'Object Created',
          region: 'eu-west-1',
          detail: { bucket: { name: 'b' }, object: { key, size: 7, sequencer: '00AF', 'version-id': 'v1' } },
        };
        const sns = (message: object) => ({ Type: 'Notification', Message: JSON.stringify(message) });
        const wrapped: unknown[] = [
          direct,
          JSON.stringify(direct),
          sqs(JSON.stringify(direct)),
          { Records: [{ EventSource: 'aws:sns', Sns: { Message: JSON.stringify(direct) } }] },
          sqs(JSON.stringify(sns(direct))),
          bridge,
          sqs(JSON.stringify(bridge)),
          sqs(JSON.stringify(sns(bridge))),
          { requestContext: {}, requestPayload: direct },
          sqs(JSON.stringify({ requestPayload: sqs(JSON.stringify(direct)) })),
        ];
        for (const event of wrapped) {
          expect(parseObjectNotifications(event)).toEqual({
            objects: [{ bucket: 'b', key, versionId: 'v1', sequencer: '00AF', sizeBytes: 7, region: 'eu-west-1' }],
            deliveries: [],
            skipped: [],
            rejects: [],
          });
        }
      }),
    );
  });

  it('takes every record of every message, and rejects alone what is bad', () => {
    const found = parseObjectNotifications(
      sqs(
        JSON.stringify({ Records: [...s3('a').Records, ...s3('b').Records] }),
        'nonsense',
        JSON.stringify(s3('%zz')),
        JSON.stringify(s3('c')),
      ),
    );
    expect(found.objects.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
    expect(found.rejects.map(({ reason, bytes }) => [reason, Buffer.from(bytes!).toString().slice(0, 8)])).toEqual([
      ['not-a-notification', 'nonsense'],
      ['not-a-notification', '{"eventS'],
    ]);
  });

  it('counts what tells of no new object', () => {
    const skipped = (event: unknown) => parseObjectNotifications(event).skipped;
    expect(skipped({ Service: 'Amazon S3', Event: 's3:TestEvent', Bucket: 'b' })).toEqual([{ reason: 'test-event', count: 1 }]);
    expect(skipped(sqs('{"Event":"s3:TestEvent"}', '{"Event":"s3:TestEvent"}'))).toEqual([{ reason: 'test-event', count: 2 }]);
    expect(skipped({ Records: [{ ...s3('a').Records[0], eventName: 'ObjectRemoved:Delete' }] })).toEqual([
      { reason: 'other-event', count: 1 },
    ]);
    expect(skipped({ 'detail-type': 'Object Deleted', detail: {} })).toEqual([{ reason: 'other-event', count: 1 }]);
    expect(skipped({ Records: [] })).toEqual([{ reason: 'empty', count: 1 }]);
  });

  it('leaves out the version of an unversioned object', () => {
    expect(parseObjectNotifications(s3('a', { versionId: 'null' })).objects[0]).not.toHaveProperty('versionId');
  });

  it('hands out the delivery in the record of a failed invocation', () => {
    const delivery = { awslogs: { data: 'H4sI' } };
    expect(parseObjectNotifications({ requestContext: {}, requestPayload: delivery }).deliveries).toEqual([delivery]);
  });

  it('never throws, and does not follow wrappings without end', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => void parseObjectNotifications(value)));
    fc.assert(fc.property(fc.anything(), (value) => void parseObjectNotifications(value)));
    let nested: unknown = s3('a');
    for (let depth = 0; depth < 50; depth++) nested = { requestPayload: nested };
    expect(parseObjectNotifications(nested)).toMatchObject({ objects: [], rejects: [{ reason: 'not-a-notification' }] });
  });
});
