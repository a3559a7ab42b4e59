import type { SelectOptions } from '../evaluate/select.ts';
import { appendOutputOption, priorityOption, rulesOption } from '../options.ts';
import { EXIT, type Register } from '../program.ts';

const HELP = `
Examples:
  $ tiercel select --rules falco_rules.yaml audit.log > for-falco.ndjson
  $ zcat audit.gz | tiercel select --stats - | tiercel replay --to http://127.0.0.1:9765/k8s-audit -

An event is dropped only if no rule can fire for it, whatever its body holds. Events that are kept stand as they were read; those written over
several lines are put on one. Give it the rules and the append_output that Falco has: rules that number events keep everything.

Exit codes: 0 read; 1 read, but some of the input is broken; 3 the rules do not load, nothing was printed; 64 wrong usage.
`;

export const registerSelect: Register = (program, exit) => {
  program
    .command('select')
    .description('Print the audit events that some Falco rule may match.')
    .argument('<events...>', 'files of audit events, - for standard input')
    .addOption(rulesOption())
    .addOption(priorityOption())
    .addOption(appendOutputOption())
    .option('--stats', 'print what was kept and dropped, and why, to standard error')
    .addHelpText('after', HELP)
    .action(async (events: readonly string[], options: SelectOptions) => {
      const { selectFiles } = await import('../evaluate/select.ts');
      const outcome = await selectFiles(events, options, { out: process.stdout, log: process.stderr, stdin: process.stdin });
      exit({ done: EXIT.ok, broken: EXIT.failed, 'no rules': EXIT.findings }[outcome]);
    });
};
