import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { DescribeClusterCommand, EKSClient, ResourceNotFoundException } from '@aws-sdk/client-eks';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectEks } from '../../../../../shared/platform/aws/eks-clusters.ts';
import { TestAuthority } from '../../../../support/certificates.ts';

const authority = new TestAuthority();
const eks = mockClient(EKSClient);
const sts = mockClient(STSClient);
const START_MS = Date.UTC(2026, 0, 2);
const pod = { apiGroup: '', apiVersion: 'v1', resource: 'pods', namespace: 'a', name: 'b' };

let now: number;
const deps = { clock: { now: () => now, sleep: async () => {} }, random: { next: () => 0, hex: () => '' }, sessionName: 'tiercel-respond' };

beforeEach(() => {
  now = START_MS;
  eks.reset();
  sts.reset();
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDOWN');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'own');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** A cluster's endpoint that says 404 to everything and remembers who asked. */
async function endpoint() {
  const tokens: string[] = [];
  const server = createServer(authority.issue('eks'), (request, response) => {
    tokens.push(Buffer.from(String(request.headers.authorization).replace('Bearer k8s-aws-v1.', ''), 'base64url').toString());
    response.writeHead(404).end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  eks
    .on(DescribeClusterCommand)
    .resolves({ cluster: { endpoint: url, certificateAuthority: { data: Buffer.from(authority.cert).toString('base64') } } });
  return { tokens, stop: () => server.close().closeAllConnections() };
}

describe('connectEks', () => {
  it('asks EKS where the cluster is, and signs in as itself', async () => {
    const { tokens, stop } = await endpoint();
    const client = await connectEks({ name: 'prod', eksName: 'prod-1', region: 'eu-west-1' }, deps);
    expect(await client.get(pod, { auditId: 'x' })).toBeUndefined();
    expect(eks.commandCalls(DescribeClusterCommand)[0]?.args[0].input).toEqual({ name: 'prod-1' });
    expect(tokens[0]).toContain('AKIDOWN');
    client.close();
    stop();
  });

  it('assumes the role of another account, and again before its credentials end', async () => {
    const { tokens, stop } = await endpoint();
    let session = 0;
    sts.on(AssumeRoleCommand).callsFake(() => ({
      Credentials: {
        AccessKeyId: `AKIDROLE${++session}`,
        SecretAccessKey: 's',
        SessionToken: 't',
        Expiration: new Date(now + 3_600_000),
      },
    }));
    const roleArn = 'arn:aws:iam::444455556666:role/tiercel';
    const client = await connectEks({ name: 'other', region: 'eu-west-1', roleArn }, deps);
    await client.get(pod, { auditId: 'x' });
    for (let minute = 0; minute < 180; minute++) {
      await client.get(pod, { auditId: 'x' });
      now += 60_000;
    }
    // When each session began, by when it was first seen; none is used after the hour it lasts.
    const sessions = tokens.map((token) => Number(/AKIDROLE(\d)/.exec(token)?.[1]));
    expect(Math.max(...sessions)).toBeGreaterThan(2);
    for (const [minute, at] of sessions.entries()) expect(minute - sessions.indexOf(at)).toBeLessThan(60);
    expect(Math.max(...sessions)).toBeLessThan(6);
    expect(sts.commandCalls(AssumeRoleCommand)[0]?.args[0].input).toEqual({ RoleArn: roleArn, RoleSessionName: 'tiercel-respond' });
    client.close();
    stop();
  });

  it('says what it needs when EKS refuses, and that trying again may help', async () => {
    eks.on(DescribeClusterCommand).rejects(new ResourceNotFoundException({ message: 'No cluster found', $metadata: {} }));
    await expect(connectEks({ name: 'prod', region: 'eu-west-1' }, deps)).rejects.toMatchObject({
      retryable: true,
      message: expect.stringMatching(/No cluster found.*eks:DescribeCluster/),
    });
    eks.on(DescribeClusterCommand).resolves({ cluster: { status: 'CREATING' } });
    await expect(connectEks({ name: 'prod', region: 'eu-west-1' }, deps)).rejects.toThrow('it has no endpoint yet');
  });
});
