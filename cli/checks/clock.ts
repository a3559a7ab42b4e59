import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { type Check, fault, ok } from './check.ts';

/** AWS refuses signatures that are five minutes off; a Kubernetes token and the freshness of alerts suffer earlier. */
const TOLERATED_SECONDS = 60;

export const clock: Check = {
  id: 'clock',
  title: `This machine's clock is right to ${TOLERATED_SECONDS} seconds.`,
  why: 'Ages that doctor reports are measured by it, and AWS refuses signatures of a clock that is far off.',
  needs: () => [],
  subjects: ({ aws, clock: here }) => [
    {
      name: 'this machine',
      async look() {
        let date: string | undefined;
        const sts = aws.sts;
        sts.middlewareStack.add(
          (next) => async (args) => {
            const answer = await next(args);
            date = (answer.response as { headers?: Record<string, string> }).headers?.date;
            return answer;
          },
          { step: 'deserialize', name: 'doctorReadsDate', override: true },
        );
        const before = here.now();
        await sts.send(new GetCallerIdentityCommand({}));
        if (date === undefined) return ok('AWS did not say what time it is');
        const middle = (before + here.now()) / 2;
        const seconds = Math.round((middle - Date.parse(date)) / 1000);
        if (Math.abs(seconds) <= TOLERATED_SECONDS) return ok(`${Math.abs(seconds)} s off`);
        return fault(
          `the time of AWS to ${TOLERATED_SECONDS} s`,
          `${Math.abs(seconds)} s ${seconds > 0 ? 'ahead' : 'behind'}`,
          'Switch time synchronisation on: sudo timedatectl set-ntp true',
        );
      },
    },
  ],
};
