import { motoClientOptions } from './moto.ts';

/** Services for which no client is needed elsewhere. */
async function post(service: string, headers: Record<string, string>, body: string): Promise<string> {
  const authorization = `AWS4-HMAC-SHA256 Credential=testing/20261121/${motoClientOptions.region}/${service}/aws4_request, SignedHeaders=host, Signature=none`;
  const answer = await fetch(motoClientOptions.endpoint, { method: 'POST', headers: { authorization, ...headers }, body });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${service}: ${answer.status} ${text}`);
  return text;
}

export async function role(RoleName: string): Promise<string> {
  const form = new URLSearchParams({ Action: 'CreateRole', Version: '2010-05-08', RoleName, AssumeRolePolicyDocument: '{}' });
  const text = await post('iam', { 'content-type': 'application/x-www-form-urlencoded' }, form.toString());
  return /<Arn>([^<]+)/.exec(text)![1]!;
}

export async function firehose(DeliveryStreamName: string, RoleARN: string, bucket: string): Promise<void> {
  const ExtendedS3DestinationConfiguration = { RoleARN, BucketARN: `arn:aws:s3:::${bucket}` };
  await json('Firehose_20150804.CreateDeliveryStream', {
    DeliveryStreamName,
    DeliveryStreamType: 'DirectPut',
    ExtendedS3DestinationConfiguration,
  });
}

export async function json(target: string, input: object): Promise<unknown> {
  const service = target.startsWith('Trent') ? 'kms' : 'firehose';
  return JSON.parse(await post(service, { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target }, JSON.stringify(input)));
}

/** The default VPC that every account of moto has. */
async function describeNetwork(): Promise<string> {
  const form = new URLSearchParams({ Action: 'DescribeSubnets', Version: '2016-11-15' });
  return await post('ec2', { 'content-type': 'application/x-www-form-urlencoded' }, form.toString());
}

export async function subnets(): Promise<string[]> {
  return [...(await describeNetwork()).matchAll(/<subnetId>([^<]+)/g)].map(([, id]) => id!).slice(0, 2);
}

export async function vpcId(): Promise<string> {
  return /<vpcId>([^<]+)/.exec(await describeNetwork())![1]!;
}
