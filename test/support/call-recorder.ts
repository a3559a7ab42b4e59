import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One call as IAM would judge it. A transaction is one for each of its steps. */
export interface ObservedCall {
  readonly action: string;
  readonly resource: string;
  /** Partition key of the item, where the call names one. */
  readonly leadingKey?: string;
}

export interface Recorder {
  /** What a function gets as AWS_ENDPOINT_URL. */
  readonly endpoint: string;
  /** Calls with the function's own credentials; those of a role it has taken on are that role's. */
  readonly calls: readonly ObservedCall[];
  readonly stop: () => Promise<void>;
}

/** Hands requests on to the stand-in and notes what each asks for. One for each function: that is how one knows who called. */
export async function startRecorder(standIn: string, names: Names): Promise<Recorder> {
  const calls: ObservedCall[] = [];
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    if (request.headers.authorization?.includes(`Credential=${names.accessKeyId}/`) !== false)
      calls.push(...observed(request.method ?? '', request.url ?? '/', request.headers, body, names));
    const onward = send(new URL(request.url ?? '/', standIn), { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', (error) => response.writeHead(502).end(error.message));
    onward.end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What a request does not say: where it is, and ARNs that are more than names. */
export interface Names {
  readonly account: string;
  readonly region: string;
  /** Of the function itself. */
  readonly accessKeyId: string;
  /** Secret name → ARN, which ends in letters that Secrets Manager chooses. */
  readonly secrets: Readonly<Record<string, string>>;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function observed(method: string, url: string, headers: IncomingHttpHeaders, body: Buffer, names: Names): ObservedCall[] {
  const service = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\/aws4_request/.exec(headers.authorization ?? '')?.[1] ?? '';
  const operation = String(headers['x-amz-target'] ?? '').split('.')[1] ?? '';
  const { pathname, searchParams } = new URL(url, 'http://stand-in');
  const path = pathname.split('/').slice(1).map(decodeURIComponent);
  const arn = (resource: string) => `arn:aws:${service}:${names.region}:${names.account}:${resource}`;
  const json = () => JSON.parse(body.toString()) as Record<string, string>;
  switch (service) {
    case 'dynamodb':
      return dynamodb(operation, JSON.parse(body.toString()), arn);
    case 'sqs': {
      const { QueueUrl, QueueName } = json();
      return [{ action: `sqs:${operation.replace(/Batch$/, '')}`, resource: arn(QueueUrl?.split('/').at(-1) ?? QueueName ?? '') }];
    }
    case 's3': {
      const [bucket, ...key] = path;
      const version = searchParams.has('versionId') ? 'Version' : '';
      const whole = key.join('/') === '';
      const verb = { GET: 'Get', HEAD: 'Get', PUT: 'Put', DELETE: 'Delete' }[method] ?? method;
      const list = searchParams.has('versions') ? 's3:ListBucketVersions' : 's3:ListBucket';
      const action = whole ? (method === 'GET' ? list : `s3:${verb}Bucket`) : `s3:${verb}Object${version}`;
      return [{ action, resource: `arn:aws:s3:::${bucket}${whole ? '' : `/${key.join('/')}`}` }];
    }
    case 'secretsmanager': {
      const { SecretId = '' } = json();
      return [{ action: `secretsmanager:${operation}`, resource: names.secrets[SecretId] ?? SecretId }];
    }
    case 'logs': {
      const { logGroupName, logStreamName } = json();
      return [{ action: `logs:${operation}`, resource: arn(`log-group:${logGroupName}:log-stream:${logStreamName}`) }];
    }
    case 'eks':
      return [{ action: method === 'GET' ? 'eks:DescribeCluster' : `eks:${method}`, resource: arn(`cluster/${path[1]}`) }];
    case 'scheduler': {
      const { GroupName, Target } = JSON.parse(body.toString()) as { GroupName: string; Target: { RoleArn: string } };
      return [
        {
          action: method === 'POST' ? 'scheduler:CreateSchedule' : `scheduler:${method}`,
          resource: arn(`schedule/${GroupName}/${path[1]}`),
        },
        { action: 'iam:PassRole', resource: Target.RoleArn },
      ];
    }
    case 'events': {
      const { Entries } = JSON.parse(body.toString()) as { Entries: { EventBusName?: string }[] };
      return Entries.map(({ EventBusName = 'default' }) => ({
        action: `events:${operation}`,
        resource: EventBusName.startsWith('arn:') ? EventBusName : arn(`event-bus/${EventBusName}`),
      }));
    }
    case 'sts':
    case 'sns': {
      const form = new URLSearchParams(body.toString());
      return [{ action: `${service}:${form.get('Action')}`, resource: form.get('RoleArn') ?? form.get('TopicArn') ?? '' }];
    }
    default:
      return [{ action: `${service || 'unsigned'}:${operation || `${method} ${pathname}`}`, resource: '' }];
  }
}

type Step = { readonly TableName: string; readonly IndexName?: string; readonly Key?: { readonly pk?: { readonly S: string } } };

function dynamodb(operation: string, input: Step & { TransactItems?: Record<string, Step>[] }, arn: (resource: string) => string) {
  const call = (kind: string, { TableName, IndexName, Key }: Step): ObservedCall => ({
    action: `dynamodb:${kind}`,
    resource: arn(`table/${TableName}${IndexName === undefined ? '' : `/index/${IndexName}`}`),
    ...(Key?.pk === undefined ? {} : { leadingKey: Key.pk.S }),
  });
  if (operation !== 'TransactWriteItems') return [call(operation, input)];
  return (input.TransactItems ?? []).flatMap((item) => Object.entries(item).map(([kind, step]) => call(`${kind}Item`, step)));
}
