import { DescribeSecretCommand } from '@aws-sdk/client-secrets-manager';
import { type Check, fault, ok, restore } from './check.ts';

/** Secrets Manager rotates somewhen in a day. */
const DAY_MS = 86_400_000;

export const macKey: Check = {
  id: 'mac-key',
  title: 'The key that signs events is there, has a current version, and is rotated.',
  why: 'Without it events carry no MAC, and respond in `enforce` refuses every alert. A key that is never replaced can be stolen once and used for ever.',
  needs: (stage) => [
    { actions: ['secretsmanager:DescribeSecret'], resources: [stage.arn('secretsmanager', `secret:${stage.names.macKeySecret}-*`)] },
  ],
  subjects: ({ stage, aws, clock }) => [
    {
      name: stage.names.macKeySecret,
      async look() {
        const SecretId = stage.names.macKeySecret;
        try {
          const secret = await aws.secrets.send(new DescribeSecretCommand({ SecretId }));
          if (secret.DeletedDate !== undefined)
            return fault(
              'a secret that is in use',
              `it will be deleted, asked on ${secret.DeletedDate.toISOString()}`,
              `aws secretsmanager restore-secret --secret-id ${SecretId}`,
            );
          if (!Object.values(secret.VersionIdsToStages ?? {}).some((stages) => stages.includes('AWSCURRENT')))
            return fault(
              'a current version',
              'it has none',
              `aws secretsmanager put-secret-value --secret-id ${SecretId} --secret-string "$(openssl rand -hex 32)"`,
            );
          const fresh = `aws secretsmanager rotate-secret --secret-id ${SecretId}, then aws logs tail /aws/lambda/${stage.names.rotateMacKey}`;
          if (secret.RotationEnabled !== true) return fault('rotation', 'it is off', restore(stage));
          if (secret.NextRotationDate !== undefined && secret.NextRotationDate.getTime() < clock.now() - DAY_MS)
            return fault('a rotation in time', `one was due on ${secret.NextRotationDate.toISOString().slice(0, 10)}`, fresh);
          return ok(`current since ${(secret.LastChangedDate ?? secret.CreatedDate)?.toISOString().slice(0, 10) ?? 'an unknown day'}`);
        } catch (error) {
          if ((error as Error).name !== 'ResourceNotFoundException') throw error;
          return fault(`secret ${SecretId}`, 'there is none', restore(stage));
        }
      },
    },
  ],
};
