import { type Command, InvalidArgumentError, Option } from 'commander';
import { rulesOption } from '../options.ts';
import { EXIT, type ExitCode, type Register } from '../program.ts';
import type { CheckFormat } from '../rules/check.ts';
import type { TestReportFormat } from '../rules/test.ts';
import type { Thresholds } from '../rules/test-grade.ts';
import { registerPublish } from './publish.ts';

export const registerRules: Register = (program, exit) => {
  const rules = program.command('rules').description('Check, test and explain Falco rules.');
  registerCheck(rules, exit);
  registerTest(rules, exit);
  registerCase(rules);
  registerExplain(rules, exit);
  registerPublish(rules, exit);
};

const CHECK_HELP = `
Examples:
  $ tiercel rules check rules/falco
  $ tiercel rules check --format sarif falco_rules.yaml local_rules.yaml > rules.sarif

Files are loaded in the order given, a folder's in order of name, as Falco would.

Exit codes: 0 clean; 2 warnings; 3 errors; 64 wrong usage.
`;

function registerCheck(rules: Command, exit: (code: ExitCode) => void): void {
  rules
    .command('check')
    .description('Load rules files as Falco would, and say what it would say, at the line it means.')
    .argument('<files...>', 'rules files or folders, in order of loading')
    .addOption(new Option('--format <format>', 'how to print').choices(['text', 'json', 'sarif', 'github']).default('text'))
    .option('--json', 'the same as --format json')
    .option('--all', 'report all errors, not only the first, with which Falco stops')
    .addHelpText('after', CHECK_HELP)
    .action(async (files: readonly string[], options: { format: CheckFormat; json?: true; all?: true }) => {
      const { checkRules } = await import('../rules/check.ts');
      const worst = await checkRules(files, options.json ? 'json' : options.format, process.stdout, { allErrors: options.all === true });
      exit({ clean: EXIT.ok, warnings: EXIT.warnings, errors: EXIT.findings }[worst]);
    });
}

const TEST_HELP = `
Examples:
  $ tiercel rules test rules/falco --format junit > rules.xml
  $ tiercel rules test rules/falco --coverage --fail-under 90

The format of *.test.yaml files is in docs/rules-tests.md.

Exit codes: 0 every case holds, or has a todo; 3 one does not, there is none, or a measure is under --fail-under; 64 wrong usage.
`;

function registerTest(rules: Command, exit: (code: ExitCode) => void): void {
  rules
    .command('test')
    .description('Run the cases of *.test.yaml files against the rules they name.')
    .argument('<paths...>', 'test files, or folders to look for them in')
    .addOption(new Option('--format <format>', 'how to print').choices(['text', 'json', 'junit']).default('text'))
    .option('--json', 'the same as --format json')
    .option('--coverage', 'say which outcomes of which checks no case decides')
    .option('--mutate', 'put small faults into the conditions, and say which of them no case notices')
    .option('--fail-under <percent>', 'fail when what is measured is below (implies --coverage unless --mutate is given)', percentage)
    .addHelpText('after', TEST_HELP)
    .action(async (paths: readonly string[], options: TestOptions) => {
      const { runRulesTests } = await import('../rules/test.ts');
      const ok = await runRulesTests(paths, options.json ? 'json' : options.format, process.stdout, options);
      exit(ok ? EXIT.ok : EXIT.findings);
    });
}

type TestOptions = { format: TestReportFormat; json?: true } & Thresholds;

function percentage(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 100)) throw new InvalidArgumentError('expected a number from 0 to 100.');
  return value;
}

const CASE_HELP = `
Example:
  $ tiercel rules case cases.json

A case names an event by its id (the member cid of its payload, or the payload's name). For comparing this engine with another.

Exit codes: 0 a verdict was printed for each case; 64 wrong usage.
`;

function registerCase(rules: Command): void {
  rules
    .command('case')
    .description('Evaluate {event, condition} cases: prints match, no-match or load-error, one a line.')
    .argument('<file>', 'JSON: {events: {name: payload text}, cases: [{event: cid, condition}]}')
    .addHelpText('after', CASE_HELP)
    .action(async (file: string) => {
      const { runConditionCases } = await import('../rules/case.ts');
      await runConditionCases(file, process.stdout);
    });
}

const EXPLAIN_HELP = `
Example:
  $ tiercel rules explain --rules rules/falco --rule 'Privileged Pod Created' event.json

Each line is a check of the condition: ✓ true, ✗ false, · not looked at because what stands before it has decided;
then the value of its left side. A macro's name stands before its condition.

Exit codes: 0 explained; 3 the rules do not load, or have no such rule; 64 wrong usage.
`;

function registerExplain(rules: Command, exit: (code: ExitCode) => void): void {
  rules
    .command('explain')
    .description('Show why a rule does or does not fire for an event: its condition with the value of each check.')
    .argument('<event>', 'a file with an event, an EventList or NDJSON; - for standard input')
    .requiredOption('--rule <name>', 'the rule')
    .addOption(rulesOption())
    .addHelpText('after', EXPLAIN_HELP)
    .action(async (event: string, options: { rule: string; rules?: readonly string[] }) => {
      const { explainEvents } = await import('../rules/explain.ts');
      const explained = await explainEvents(event, options.rule, options.rules, { out: process.stdout, log: process.stderr });
      exit(explained ? EXIT.ok : EXIT.findings);
    });
}
