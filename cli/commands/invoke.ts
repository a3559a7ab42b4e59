import type { InvokeOptions } from '../lambda-runtime/invoke.ts';
import { repeated, wholeNumber } from '../options.ts';
import { EXIT, type Register } from '../program.ts';

const EXAMPLES = `
Examples:
  $ tiercel invoke respond alert.json
  $ tiercel invoke auditStream delivery.json --stage dev --package .serverless --times 3

The bundle runs in a process of its own under the Lambda Runtime API, with the stage's environment, the function's memory and time-out.
Stage local needs no AWS; any other uses the credentials and endpoints (AWS_ENDPOINT_URL…) of your environment.
The result goes to standard output, the function's log to standard error.

Exit codes: 0 the function answered; 1 it failed, timed out or could not start; 64 wrong usage.
`;

export const registerInvoke: Register = (program, exit) => {
  program
    .command('invoke')
    .description('Run a function as Lambda would, with an event from a file.')
    .argument('<function>', 'auditStream, auditArchive, respond, heartbeat or rotateMacKey')
    .argument('<event>', 'file with the event as JSON, - for standard input')
    .option('--stage <name>', 'infra/stages/<name>.yml gives the environment', 'local')
    .option('--package <folder>', 'run the zip file that `npm run package` has put here (.serverless), instead of building now')
    .option('--env <NAME=value>', 'a variable on top, repeatable', repeated)
    .option('--times <count>', 'invoke the same process several times', wholeNumber(1), 1)
    .option('--timeout <seconds>', "instead of the function's own", wholeNumber(1))
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, eventFile: string, options: InvokeOptions) => {
      const { invoke } = await import('../lambda-runtime/invoke.ts');
      const succeeded = await invoke(name, eventFile, options, { out: process.stdout, log: process.stderr, stdin: process.stdin });
      exit(succeeded ? EXIT.ok : EXIT.failed);
    });
};
