import type { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import type { SNSClient } from '@aws-sdk/client-sns';
import type { ChannelSettings } from '../../platform/channel-settings.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Transport } from '../../platform/http.ts';
import { createBusChannel, createTopicChannel } from './aws.ts';
import type { Channel, Channels } from './channel.ts';
import { createSlackChannel, createWebhookChannel } from './http.ts';

export interface ChannelClients {
  readonly sns: (region: string) => SNSClient;
  readonly eventBridge: (region: string) => EventBridgeClient;
  readonly transport: Transport;
  readonly clock: Clock;
  /** Reads a secret as text, and again when what it has is old. */
  readonly secretOf: (secretArn: string) => () => Promise<string>;
}

/** The channels of a configuration. */
export function openChannels(settings: readonly ChannelSettings[], clients: ChannelClients): Channels {
  return new Map(settings.map((given) => [given.name, open(given, clients)]));
}

function open(given: ChannelSettings, { sns, eventBridge, transport, clock, secretOf }: ChannelClients): Channel {
  switch (given.kind) {
    case 'sns':
      return createTopicChannel(sns(regionOf(given.topicArn)), given.topicArn);
    case 'event-bus':
      return createBusChannel(eventBridge(regionOf(given.busArn)), given.busArn);
    case 'slack':
      return createSlackChannel({ transport, clock, secret: secretOf(given.secretArn) });
    case 'webhook':
      return createWebhookChannel({ transport, clock, secret: secretOf(given.secretArn) });
  }
}

function regionOf(arn: string): string {
  return arn.split(':')[3]!;
}
