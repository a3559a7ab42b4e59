import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type DecodedItem, decodeStream } from '../../../../../shared/audit/index.ts';
import { delivery } from '../../../../support/cloudwatch.ts';

const event = (id: string) => `{"kind":"Event","auditID":"${id}","stageTimestamp":"2026-01-02T03:04:05Z"}`;

/** As Lambda writes it to the on-failure destination. */
const record = (requestPayload: unknown) => ({
  version: '1.0',
  timestamp: '2026-01-02T03:04:05.678Z',
  requestContext: { requestId: 'r', functionArn: 'arn:f', condition: 'RetriesExhausted', approximateInvokeCount: 3 },
  requestPayload,
  responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
  responsePayload: { errorMessage: 'failed' },
});

async function decode(bytes: Uint8Array): Promise<DecodedItem[]> {
  const items: DecodedItem[] = [];
  async function* source() {
    yield bytes;
  }
  for await (const batch of decodeStream(source(), { kind: 'object', bucket: 'b', key: 'k' }, {})) items.push(...batch);
  return items;
}

describe('a record of a failed invocation', () => {
  it('gives the events of its delivery, with the place of the record', async () => {
    const text = JSON.stringify(record(delivery([event('a'), '{"kind":"Event" oops}', event('b')], { logGroup: '/aws/eks/blue/cluster' })));
    for (const bytes of [Buffer.from(text), gzipSync(text)]) {
      const items = await decode(bytes);
      expect(items.map((item) => (item.kind === 'record' ? Buffer.from(item.record.raw).toString() : item.kind))).toEqual([
        event('a'),
        'rejected',
        event('b'),
      ]);
      expect(items[0]).toMatchObject({
        record: {
          identity: { cluster: 'blue' },
          origin: { kind: 'cloudwatch', logGroup: '/aws/eks/blue/cluster', within: { kind: 'object', bucket: 'b', key: 'k', offset: 0 } },
        },
      });
    }
  });

  it.each([
    ['a payload of another kind', record({ Records: [] })],
    ['no payload', { requestPayload: 'text' }],
    ['a payload that cannot be read', record({ awslogs: { data: '!' } })],
  ])('with %s is rejected', async (_, value) => {
    expect(await decode(Buffer.from(JSON.stringify(value)))).toMatchObject([{ kind: 'rejected' }]);
  });
});
