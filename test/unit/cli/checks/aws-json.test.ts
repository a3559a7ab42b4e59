import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AwsJson, createAwsJson } from '../../../../cli/checks/aws-json.ts';

describe('a question in the JSON protocol of AWS', () => {
  let answer: { status: number; text: string };
  let asked: { headers: IncomingHttpHeaders; body: string };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    asked = { headers: request.headers, body: Buffer.concat(chunks).toString() };
    response.writeHead(answer.status).end(answer.text);
  });
  let ask: AwsJson;
  let host: string;

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    ask = createAwsJson({
      region: 'eu-central-1',
      credentials: async () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'session' }),
      endpoint: `http://${host}`,
      timeoutMs: 5_000,
    });
  });
  afterAll(() => server.close());

  it('is signed for its service and region, over host, target and session', async () => {
    answer = { status: 200, text: '{"KeyMetadata":{"KeyState":"Enabled"}}' };
    expect(await ask('kms', 'DescribeKey', { KeyId: 'alias/a' })).toEqual({ KeyMetadata: { KeyState: 'Enabled' } });
    expect(asked.body).toBe('{"KeyId":"alias/a"}');
    expect(asked.headers).toMatchObject({
      host,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'TrentService.DescribeKey',
      'x-amz-security-token': 'session',
    });
    expect(asked.headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/kms\/aws4_request, SignedHeaders=\S*host;\S*x-amz-security-token;x-amz-target\S*, Signature=[0-9a-f]{64}$/,
    );
  });

  it.each([
    [400, '{"__type":"com.amazonaws.kms#NotFoundException","message":"no alias"}', 'NotFoundException', 'no alias'],
    [
      400,
      '{"__type":"AccessDeniedException","Message":"User: u is not authorized to perform: kms:DescribeKey"}',
      'AccessDeniedException',
      /perform/,
    ],
    [502, '<html>bad gateway', 'UnknownError', '<html>bad gateway'],
  ])('fails as the SDK does: %i %s', async (status, text, name, message) => {
    answer = { status, text };
    await expect(ask('firehose', 'DescribeDeliveryStream', {})).rejects.toMatchObject({
      name,
      message: expect.stringMatching(message),
      $metadata: { httpStatusCode: status },
    });
  });
});
