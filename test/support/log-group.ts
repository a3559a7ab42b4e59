import { gunzipSync, gzipSync } from 'node:zlib';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  PutSubscriptionFilterCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { motoClientOptions, motoEndpoint, uniqueName } from './moto.ts';

const logs = () => new CloudWatchLogsClient(motoClientOptions);

/** A log group of the stand-in, with one stream that lines are written into. */
export async function createLogGroup(
  logGroupName: string,
  logStreamName = 'kube-apiserver-audit-0123456789abcdef0123456789abcdef',
): Promise<{ write: (lines: readonly string[]) => Promise<void> }> {
  await logs().send(new CreateLogGroupCommand({ logGroupName }));
  await logs().send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
  return {
    write: async (lines) => {
      const logEvents = lines.map((message, at) => ({ timestamp: Date.now() + at, message }));
      await logs().send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
    },
  };
}

/** What a subscription filter of the template says of its source. */
interface FilterProperties {
  readonly LogGroupName: string;
  readonly FilterName: string;
  readonly FilterPattern: string;
}

/**
 * Subscribes a Kinesis stream in the place of a function, which the stand-in cannot run without a container: it gets the same gzip.
 * @returns what has been delivered since, as Lambda would hand it to the function.
 */
export async function subscribeInPlaceOfLambda(filter: FilterProperties): Promise<() => Promise<{ awslogs: { data: string } }[]>> {
  const StreamName = uniqueName('in-place-of-lambda');
  await awsJson('kinesis', 'CreateStream', { StreamName, ShardCount: 1 });
  const { StreamDescription } = await awsJson<{ StreamDescription: { StreamARN: string } }>('kinesis', 'DescribeStream', { StreamName });
  await putFilter(filter, StreamDescription.StreamARN);
  const { Shards } = await awsJson<{ Shards: { ShardId: string }[] }>('kinesis', 'ListShards', { StreamName });
  const wanted = { StreamName, ShardId: Shards[0]?.ShardId, ShardIteratorType: 'TRIM_HORIZON' };
  let { ShardIterator } = await awsJson<{ ShardIterator: string }>('kinesis', 'GetShardIterator', wanted);
  return async () => {
    const read = await awsJson<{ Records: { Data: string }[]; NextShardIterator: string }>('kinesis', 'GetRecords', { ShardIterator });
    ShardIterator = read.NextShardIterator;
    return read.Records.map(({ Data }) => asLambdaGetsIt(Data));
  };
}

export async function putFilter(
  { LogGroupName, FilterName, FilterPattern }: FilterProperties,
  destinationArn: string,
  roleArn?: string,
): Promise<void> {
  const filter = { logGroupName: LogGroupName, filterName: FilterName, filterPattern: FilterPattern };
  await logs().send(new PutSubscriptionFilterCommand({ ...filter, destinationArn, roleArn }));
}

/** The stand-in writes event ids as numbers, CloudWatch Logs as text. */
function asLambdaGetsIt(data: string): { awslogs: { data: string } } {
  const text = gunzipSync(Buffer.from(data, 'base64')).toString();
  return { awslogs: { data: gzipSync(text.replace(/"id": ?(\d+)/g, '"id":"$1"')).toString('base64') } };
}

/** One call of a service that speaks AWS JSON 1.1 and of which no client is needed elsewhere. */
export async function awsJson<Answer>(service: 'kinesis' | 'firehose', action: string, input: unknown): Promise<Answer> {
  const target = { kinesis: 'Kinesis_20131202', firehose: 'Firehose_20150804' }[service];
  const answer = await fetch(motoEndpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `${target}.${action}`,
      authorization: `AWS4-HMAC-SHA256 Credential=testing/20261121/${motoClientOptions.region}/${service}/aws4_request, SignedHeaders=host, Signature=none`,
    },
    body: JSON.stringify(input),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${action}: ${answer.status} ${text}`);
  return (text === '' ? {} : JSON.parse(text)) as Answer;
}
