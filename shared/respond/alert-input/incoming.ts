import type { FalcoAlert } from '../../falco/alert.ts';

/** How an item came in; names the offender in messages and tells the door what to answer. */
export type Via =
  | { readonly kind: 'invoke' }
  | { readonly kind: 'sqs'; readonly messageId: string }
  | { readonly kind: 'sns'; readonly messageId: string }
  | { readonly kind: 'logs'; readonly logGroup: string; readonly eventId: string }
  | { readonly kind: 'unknown'; readonly index: number };

export interface IncomingAlert {
  readonly kind: 'alert';
  readonly alert: FalcoAlert;
  readonly via: Via;
}

export interface NotAnAlert {
  /** `rejected`: meant to be an alert and is not a valid one. `ignored`: an ordinary line of a log that also carries alerts. */
  readonly kind: 'rejected' | 'ignored';
  readonly via: Via;
  readonly reason: string;
}

export type ReceivedItem = IncomingAlert | NotAnAlert;

export function describeVia(via: Via): string {
  switch (via.kind) {
    case 'invoke':
      return 'direct invocation';
    case 'sqs':
      return `SQS message ${via.messageId}`;
    case 'sns':
      return `SNS message ${via.messageId}`;
    case 'logs':
      return `log event ${via.eventId} of ${via.logGroup}`;
    case 'unknown':
      return `record ${via.index}`;
  }
}
