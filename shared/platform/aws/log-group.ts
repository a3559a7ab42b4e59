import {
  type CloudWatchLogsClient,
  CreateLogStreamCommand,
  PutLogEventsCommand,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs';
import type { Clock } from '../clock.ts';

/** A log group that lines are written to, each into a stream. */
export interface LogGroup {
  /** @throws what CloudWatch Logs answered, or AbortError when it did not within {@link PATIENCE_MS}. */
  write(stream: string, line: string): Promise<void>;
}

/** Nobody's work waits for a line longer than this, **milliseconds**, be it that the network leads nowhere. */
const PATIENCE_MS = 3_000;

/** A log group of CloudWatch Logs. Streams are made when they are first written to. */
export function createLogGroup(client: CloudWatchLogsClient, logGroupName: string, clock: Pick<Clock, 'now'>): LogGroup {
  return {
    async write(logStreamName, message) {
      const abortSignal = AbortSignal.timeout(PATIENCE_MS);
      const put = () =>
        client.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents: [{ timestamp: clock.now(), message }] }), {
          abortSignal,
        });
      try {
        await put();
      } catch (error) {
        if (!(error instanceof ResourceNotFoundException)) throw error;
        await client.send(new CreateLogStreamCommand({ logGroupName, logStreamName }), { abortSignal }).catch((raced: unknown) => {
          if (!(raced instanceof ResourceAlreadyExistsException)) throw raced;
        });
        await put();
      }
    },
  };
}
