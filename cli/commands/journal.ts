import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import type { Mode } from '../../shared/respond/index.ts';
import type { Register } from '../program.ts';
import { repeated } from './evaluate.ts';

interface Where {
  readonly stage?: string;
  readonly table?: string;
}

const ANSWERS = {
  approve: 'Say yes to a response that asks, and carry it out with your own rights in the cluster.',
  deny: 'Say no to a response that asks.',
} as const;

export const registerJournal: Register = (program) => {
  const journal = program.command('journal').description('What respond decided, did, refused and undid.');
  where(journal.command('list').description('List responses, newest first.'))
    .option('--hours <hours>', 'how far back', count, 24)
    .option('--limit <number>', 'how many', count, 50)
    .option('--json', 'one JSON document per line')
    .action(async (options: Where & { hours: number; limit: number; json?: true }) => {
      const [{ listJournal }, { openJournal }] = await Promise.all([import('../respond/journal.ts'), import('../respond/cluster.ts')]);
      await listJournal(openJournal(tableOf(options)), options, process.stdout);
    });
  where(journal.command('show').description('Show one response: its guards, its steps, what came of them.'))
    .argument('<id>', 'id of the response')
    .option('--json', 'the whole entry as JSON, the state before each step included')
    .action(async (id: string, options: Where & { json?: true }) => {
      const [{ showEntry }, { openJournal }] = await Promise.all([import('../respond/journal.ts'), import('../respond/cluster.ts')]);
      await showEntry(openJournal(tableOf(options)), id, options, process.stdout);
    });
  where(program.command('undo').description('Take a response back, with your own rights in the cluster.'))
    .argument('<id>', 'id of the response')
    .requiredOption('--kubeconfig <path>', 'the cluster it was carried out in')
    .option('--context <name>', 'another context of the kubeconfig')
    .option('--force', 'also what somebody changed since')
    .action(async (id: string, options: Where & { kubeconfig: string; context?: string; force?: true }) => {
      const [{ undoResponse }, { openJournal }] = await Promise.all([import('../respond/journal.ts'), import('../respond/cluster.ts')]);
      await undoResponse(openJournal(tableOf(options)), id, options, process.stdout);
    });
  for (const [verb, says] of Object.entries(ANSWERS) as [keyof typeof ANSWERS, string][]) {
    where(program.command(verb).description(says))
      .argument('<id>', 'id of the response')
      .requiredOption('--kubeconfig <path>', 'the cluster it is about')
      .option('--context <name>', 'another context of the kubeconfig')
      .addOption(new Option('--policy <path>', "policy file or folder (repeatable); the project's own when left out").argParser(repeated))
      .action(async (id: string, options: Where & { kubeconfig: string; context?: string; policy?: readonly string[] }) => {
        const [{ decideResponse }, { OWN_POLICIES }] = await Promise.all([
          import('../respond/journal.ts'),
          import('../respond/policies.ts'),
        ]);
        await decideResponse(verb, id, { ...options, table: tableOf(options), policies: options.policy ?? OWN_POLICIES }, process.stdout);
      });
  }
  where(
    program
      .command('mode')
      .description('Turn the run-time switch: the most any response may do, at once. It can only lower what the deployment allows.'),
  )
    .addArgument(new Argument('[mode]', 'how it stands is shown when left out').choices(['off', 'shadow', 'enforce']))
    .option('--why <reason>', 'for those who find it turned')
    .action(async (mode: Mode | undefined, options: Where & { why?: string }) => {
      const [{ turnMode }, { openModeSwitch }] = await Promise.all([import('../respond/journal.ts'), import('../respond/cluster.ts')]);
      await turnMode(openModeSwitch(tableOf(options)), mode, options.why, process.stdout);
    });
};

function where(command: Command): Command {
  return command
    .addOption(new Option('--stage <name>', 'stage whose journal is meant: table tiercel-<stage>-journal').conflicts('table'))
    .option('--table <name>', "the journal's table")
    .addHelpText('after', '\nExit codes: 0 done; 1 it could not be done; 64 wrong usage.\n');
}

function tableOf({ stage, table }: Where): string {
  if (table !== undefined) return table;
  if (stage === undefined) throw new InvalidArgumentError('expected --stage or --table.');
  return `tiercel-${stage}-journal`;
}

function count(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('expected a whole number above 0.');
  return Number(text);
}
