import { Option } from 'commander';
import type { EvaluateOptions } from '../evaluate/evaluate.ts';
import { appendOutputOption, priorityOption, rulesOption } from '../options.ts';
import { EXIT, type Register } from '../program.ts';

const HELP = `
Examples:
  $ tiercel evaluate audit.log
  $ tiercel evaluate --rules falco_rules.yaml --rules local_rules.yaml --rule-matching all --stats 2026/11/*.gz
  $ aws s3 cp s3://audit-archive/2026/11/02/one.gz - | tiercel evaluate --priority warning -

Reads NDJSON, JSON arrays, EventLists, CloudWatch Logs envelopes and what Firehose makes of them, gzipped or not; the bytes say which.
Prints Falco's JSON alerts, one a line, and nothing else; what is broken in the input is named on standard error, and the rest is evaluated.

Exit codes: 0 evaluated; 1 evaluated, but some of the input is broken; 3 the rules do not load, nothing was evaluated; 64 wrong usage.
`;

export const registerEvaluate: Register = (program, exit) => {
  program
    .command('evaluate')
    .description('Evaluate audit events against Falco rules, without Falco.')
    .argument('<events...>', 'files of audit events, - for standard input')
    .addOption(rulesOption())
    .addOption(
      new Option('--rule-matching <mode>', 'stop at the first rule that fires, or report all').choices(['first', 'all']).default('first'),
    )
    .addOption(priorityOption())
    .addOption(appendOutputOption())
    .option('--stats', 'print what was read and what fired to standard error')
    .addHelpText('after', HELP)
    .action(async (events: readonly string[], options: EvaluateOptions) => {
      const { evaluateFiles } = await import('../evaluate/evaluate.ts');
      const outcome = await evaluateFiles(events, options, { out: process.stdout, log: process.stderr, stdin: process.stdin });
      exit({ done: EXIT.ok, broken: EXIT.failed, 'no rules': EXIT.findings }[outcome]);
    });
};
