import { Option } from 'commander';
import { policyOption } from '../options.ts';
import { EXIT, type Register } from '../program.ts';

const HELP = `
Examples:
  $ tiercel evaluate --append-output rules/append-output.yaml audit.log | tiercel respond -
  $ tiercel respond --policy rules/respond --kubeconfig ~/.kube/config alerts.ndjson.gz
  $ tiercel respond --enforce --kubeconfig ~/.kube/config --table tiercel-prod-journal --mac-key-secret tiercel/prod/mac-key alert.json

Without --enforce nothing is changed and nothing is written down; the age of an alert is judged as if it had just come. With --kubeconfig the live
object is looked at. --enforce asks first, unless --yes is given, and acts only under policies whose mode is enforce.

Exit codes: 0 every alert was read and answered; 1 one was not; 64 wrong usage.
`;

interface Options {
  readonly policy?: readonly string[];
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly enforce?: true;
  readonly table?: string;
  readonly macKeySecret?: string;
  readonly evidence?: string;
  readonly yes?: true;
  readonly json?: true;
  readonly summary?: true;
}

export const registerRespond: Register = (program, exit) => {
  program
    .command('respond')
    .description('Say what respond would do about alerts, or do it.')
    .argument('<alerts...>', 'files of alerts, one JSON document per line or laid out as jq does; - for standard input')
    .addOption(policyOption())
    .option('--kubeconfig <path>', 'look at the cluster of its current context')
    .option('--context <name>', 'another context of the kubeconfig')
    .option('--enforce', 'act')
    .option('--table <name>', 'with --enforce: the journal')
    .option('--mac-key-secret <id>', 'with --enforce: Secrets Manager secret with the key of tiercel.dev/mac')
    .option('--evidence <folder>', 'with --enforce: where evidence is kept; without it, capture-evidence is refused')
    .option('--yes', 'with --enforce: do not ask')
    .option('--json', 'print journal entries, one per line')
    .addOption(new Option('--summary', 'plans and refusals by rule').conflicts(['enforce', 'json']))
    .addHelpText('after', HELP)
    .action(async (paths: readonly string[], options: Options) => {
      const { enforceResponses, planResponses } = await import('../respond/respond.ts');
      const streams = { out: process.stdout, stdin: process.stdin };
      const done = options.enforce
        ? await enforceResponses(paths, options, streams, async (question) => options.yes === true || confirm(question))
        : await planResponses(paths, options, streams);
      exit(done ? EXIT.ok : EXIT.failed);
    });
};

/** Only a person at a terminal can say yes. */
async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    process.stderr.write('Nobody is there to ask: give --yes to act without asking.\n');
    return false;
  }
  const { createInterface } = await import('node:readline/promises');
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await prompt.question(`${question} [y/N] `);
  prompt.close();
  return /^y(es)?$/i.test(answer.trim());
}
