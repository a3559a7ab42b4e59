import { Argument, type Command, Option } from 'commander';
import type { Mode } from '../../shared/respond/index.ts';
import { policyOption, wholeNumber } from '../options.ts';
import { EXIT, type Register } from '../program.ts';

interface Where {
  readonly stage?: string;
  readonly table?: string;
}

interface Cluster {
  readonly kubeconfig?: string;
  readonly context?: string;
}

const MODE_EXAMPLES = ['mode --stage prod', 'mode shadow --stage prod --why "looking into a wrong isolation"'];

export const registerJournal: Register = (program, exit) => {
  const journal = program.command('journal').description('What respond decided, did, refused and undid.');
  where(journal.command('list').description('List responses, newest first.'), [
    'journal list --stage prod',
    'journal list --stage prod --hours 72 --json | jq .intent',
  ])
    .option('--hours <hours>', 'how far back', wholeNumber(1), 24)
    .option('--limit <number>', 'how many', wholeNumber(1), 50)
    .option('--json', 'one JSON document per line')
    .action(async (options: Where & { hours: number; limit: number; json?: true }) => {
      const [{ listJournal }, { journalTable, openJournal }] = await Promise.all([
        import('../respond/journal.ts'),
        import('../respond/cluster.ts'),
      ]);
      await listJournal(openJournal(journalTable(options)), options, process.stdout);
    });
  where(journal.command('show').description('Show one response: its guards, its steps, what came of them.'), [
    'journal show ID --stage prod',
  ])
    .argument('<id>', 'id of the response')
    .option('--json', 'the whole entry as JSON, the state before each step included')
    .action(async (id: string, options: Where & { json?: true }) => {
      const [{ showEntry }, { journalTable, openJournal }] = await Promise.all([
        import('../respond/journal.ts'),
        import('../respond/cluster.ts'),
      ]);
      await showEntry(openJournal(journalTable(options)), id, options, process.stdout);
    });
  where(program.command('undo').description('Take a response back, with your own rights in the cluster.'), [
    'undo ID --stage prod --kubeconfig ~/.kube/config',
  ])
    .argument('<id>', 'id of the response')
    .requiredOption('--kubeconfig <path>', 'the cluster it was carried out in')
    .option('--context <name>', 'another context of the kubeconfig')
    .option('--force', 'also what somebody changed since')
    .option('--other-server', 'the kubeconfig reaches that cluster at another address: a proxy, a tunnel')
    .action(async (id: string, options: Where & { kubeconfig: string; context?: string; force?: true; otherServer?: true }) => {
      const [{ undoResponse }, { journalTable, openJournal }] = await Promise.all([
        import('../respond/journal.ts'),
        import('../respond/cluster.ts'),
      ]);
      await undoResponse(openJournal(journalTable(options)), id, options, process.stdout);
    });
  const answer = async (verb: 'approve' | 'deny', id: string, options: Where & Cluster & { policy?: readonly string[] }) => {
    const [{ decideResponse }, { journalTable }, { OWN_POLICIES }] = await Promise.all([
      import('../respond/journal.ts'),
      import('../respond/cluster.ts'),
      import('../respond/policies.ts'),
    ]);
    const place = { table: journalTable(options), policies: options.policy ?? OWN_POLICIES };
    exit((await decideResponse(verb, id, { ...options, ...place }, process.stdout)) ? EXIT.ok : EXIT.failed);
  };
  where(program.command('approve').description('Say yes to a response that asks, and carry it out with your own rights in the cluster.'), [
    'approve ID --stage prod --kubeconfig ~/.kube/config',
  ])
    .argument('<id>', 'id of the response')
    .requiredOption('--kubeconfig <path>', 'the cluster it is about')
    .option('--context <name>', 'another context of the kubeconfig')
    .addOption(policyOption())
    .action((id: string, options: Where & Cluster & { policy?: readonly string[] }) => answer('approve', id, options));
  where(program.command('deny').description('Say no to a response that asks.'), ['deny ID --stage prod'])
    .argument('<id>', 'id of the response')
    .action((id: string, options: Where) => answer('deny', id, options));
  where(
    program
      .command('mode')
      .description('Turn the run-time switch: the most any response may do, at once. It can only lower what the deployment allows.'),
    MODE_EXAMPLES,
  )
    .addArgument(new Argument('[mode]', 'how it stands is shown when left out').choices(['off', 'shadow', 'enforce']))
    .option('--why <reason>', 'for those who find it turned')
    .option('--json', 'how it stands, as JSON')
    .action(async (mode: Mode | undefined, options: Where & { why?: string; json?: true }) => {
      const [{ turnMode }, { journalTable, openModeSwitch }] = await Promise.all([
        import('../respond/journal.ts'),
        import('../respond/cluster.ts'),
      ]);
      await turnMode(openModeSwitch(journalTable(options)), mode, options, process.stdout);
    });
};

function where(command: Command, examples: readonly string[]): Command {
  return command
    .addOption(
      new Option('--stage <name>', 'stage whose journal is meant: table tiercel-<stage>-journal, in its region').conflicts('table'),
    )
    .option('--table <name>', "the journal's table")
    .addHelpText(
      'after',
      `\nExamples:\n${examples.map((example) => `  $ tiercel ${example}\n`).join('')}\nExit codes: 0 done; 1 it could not be done; 64 wrong usage.\n`,
    );
}
