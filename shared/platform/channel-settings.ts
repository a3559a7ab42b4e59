import * as z from 'zod';

const name = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'expected lower-case letters, digits and hyphens, at most 63');
/** With the six characters that Secrets Manager appends: only so can a role name exactly this secret. */
const secretArn = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6}$/,
    'expected the full ARN of a secret, its six last characters included',
  );
const keyArn = z.string().regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/, 'expected the ARN of a KMS key');

/** A channel as a stage file and the function's environment name it. Addresses that are secrets are never in either. */
export const channelSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    name,
    kind: z.literal('sns'),
    topicArn: z.string().regex(/^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+(\.fifo)?$/, 'expected the ARN of an SNS topic'),
    /** The key of the topic, where it is encrypted under one of yours. */
    keyArn: keyArn.optional(),
  }),
  z.strictObject({
    name,
    kind: z.literal('event-bus'),
    busArn: z.string().regex(/^arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus\/[\w./-]+$/, 'expected the ARN of an event bus'),
  }),
  /** The secret is `{"url": …}`: an incoming webhook. */
  z.strictObject({ name, kind: z.literal('slack'), secretArn, keyArn: keyArn.optional() }),
  /** The secret is `{"url": …, "key": …}`. */
  z.strictObject({ name, kind: z.literal('webhook'), secretArn, keyArn: keyArn.optional() }),
]);
export type ChannelSettings = z.output<typeof channelSchema>;
