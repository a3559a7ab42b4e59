import { DeleteMessageCommand, GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { runFunction } from '../../cli/lambda-runtime/function-process.ts';
import { type ObservedCall, type Recorder, startRecorder } from './call-recorder.ts';
import { type DeployedStage, deployStage, packageStage } from './deployed-stage.ts';
import { awsClients, MOTO_ACCOUNT, motoClientOptions, motoEndpoint, receiveRecords } from './moto.ts';

const {
  region,
  credentials: { accessKeyId },
} = motoClientOptions;

/** A stage in the stand-in. Each call of a function is a process of its own, with the credentials of the environment. */
export interface RunningStage {
  readonly stage: DeployedStage;
  readonly invoke: (key: string, ...events: readonly unknown[]) => Promise<unknown[]>;
  /** One poll of the event source mapping: hands what is visible to the function and deletes what it does not hand back. */
  readonly poll: (key: string, queueId: string) => Promise<{ handed: number; failed: number; answers: unknown[] }>;
  readonly calls: (key: string) => readonly ObservedCall[];
  readonly stop: () => Promise<void>;
}

export async function runStage(folder: string, name: string, stageFile: string): Promise<RunningStage> {
  const stage = await deployStage(await packageStage(folder, name, stageFile), folder, name);
  const recorders: Record<string, Recorder> = {};
  for (const key of Object.keys(stage.functions))
    recorders[key] = await startRecorder(motoEndpoint, { account: MOTO_ACCOUNT, region, accessKeyId, secrets: stage.secrets });

  async function invoke(key: string, ...events: readonly unknown[]): Promise<unknown[]> {
    const lambda = stage.functions[key]!;
    const printed: string[] = [];
    const answers: unknown[] = [];
    // What the template gives the function, and nothing else but the way to the stand-in.
    const environment = { ...lambda.environment, AWS_ENDPOINT_URL: recorders[key]!.endpoint };
    const texts = events.map((event) => JSON.stringify(event));
    for await (const { answer } of runFunction({ ...lambda, environment }, texts, (chunk) => printed.push(chunk.toString()))) {
      if (answer.kind !== 'result') throw new Error(`${key}: ${JSON.stringify(answer)}\n${printed.join('')}`);
      answers.push(JSON.parse(answer.json));
    }
    return answers;
  }

  async function poll(key: string, queueId: string) {
    const url = stage.created[queueId]!;
    const { sqs } = awsClients();
    const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['QueueArn'] }));
    const Records = await receiveRecords({ url, arn: Attributes!.QueueArn! }, 600);
    if (Records.length === 0) return { handed: 0, failed: 0, answers: [] };
    const answers = await invoke(key, { Records });
    const { batchItemFailures } = answers[0] as { batchItemFailures: { itemIdentifier: string }[] };
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    for (const { messageId, receiptHandle } of Records) {
      if (!failed.has(messageId)) await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: receiptHandle }));
    }
    return { handed: Records.length, failed: failed.size, answers };
  }

  return {
    stage,
    invoke,
    poll,
    calls: (key) => recorders[key]!.calls,
    stop: async () => {
      await Promise.all(Object.values(recorders).map((recorder) => recorder.stop()));
    },
  };
}
