import type { ChannelSettings } from '../../shared/platform/channel-settings.ts';

interface Told {
  readonly region: string;
  readonly notify: readonly ChannelSettings[];
  readonly alertTopicArn?: string | undefined;
}

/** What is wrong with the channels of a stage, looked at together. */
export function channelProblems({
  region,
  notify,
  alertTopicArn,
}: Told): readonly { readonly path: (string | number)[]; readonly message: string }[] {
  const names = notify.map(({ name }) => name);
  return notify.flatMap((channel, index) => {
    const { name } = channel;
    const problems = [];
    if (names.indexOf(name) < index)
      problems.push({ path: ['notify', index, 'name'], message: `${name} is listed already; policies tell channels apart by name` });
    const arn = arnOf(channel);
    if (arn.split(':')[3] !== region)
      problems.push({ path: ['notify', index], message: `expected something in ${region}, where respond runs, got ${arn}` });
    // It would be refused as an alert, and be a delivery for nothing each time.
    if (arn === alertTopicArn)
      problems.push({ path: ['notify', index], message: 'expected another topic than alertTopicArn, which respond reads' });
    return problems;
  });
}

function arnOf(channel: ChannelSettings): string {
  if (channel.kind === 'sns') return channel.topicArn;
  return channel.kind === 'event-bus' ? channel.busArn : channel.secretArn;
}

/** What `serverless.yml` needs to know of the channels: the variable NOTIFY_CHANNELS, and which statements of channel-statements.yml respond gets. */
export function channels(notify: readonly ChannelSettings[]) {
  const ofKind = (...kinds: ChannelSettings['kind'][]) => [...new Set(notify.filter(({ kind }) => kinds.includes(kind)).map(arnOf))];
  const topicArns = ofKind('sns');
  const busArns = ofKind('event-bus');
  const secretArns = ofKind('slack', 'webhook');
  const keyArns = [...new Set(notify.flatMap((channel) => ('keyArn' in channel && channel.keyArn !== undefined ? [channel.keyArn] : [])))];
  const some = (arns: readonly string[]) => (arns.length > 0 ? 'some' : 'none');
  return {
    json: JSON.stringify(notify.map((channel) => ({ ...channel, keyArn: undefined }))),
    topicArns,
    busArns,
    secretArns,
    keyArns,
    topics: some(topicArns),
    buses: some(busArns),
    secrets: some(secretArns),
    keys: some(keyArns),
  } as const;
}
