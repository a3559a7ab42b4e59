import { InvalidArgumentError, Option } from 'commander';
import { TiercelError } from '../../shared/platform/errors.ts';
import type { FollowOptions } from '../follow/command.ts';
import { EXIT, type Register } from '../program.ts';

const EXAMPLES = `
Examples:
  $ tiercel follow --to https://falco.internal:9765/k8s-audit --ca ca.pem --cluster prod --checkpoint /var/lib/tiercel/audit.json /var/log/kubernetes/audit/audit.log
  $ tiercel follow --once --to http://127.0.0.1:9765/k8s-audit --cluster dev audit.log

The log has one audit event a line, as kube-apiserver writes with --audit-log-format=json. It may be rotated by renaming it (kube-apiserver's own way)
or by copying and truncating it; rotated files are read to their end under audit-<time>.log, audit.log.<n> or audit.log-<date>, also gzipped.
Without a checkpoint, following begins at the end of the log: what was written before is history. Use replay for history.

Reading waits for the receiver: while it is away the log waits on disk. A line is dealt with when the receiver answered 200; the checkpoint is written
after that, so a crash delivers at most the last 4 MiB again. SIGTERM and SIGINT end it after the request that is under way.

Exit codes: 0 stopped by a signal, or at the end of the log (--once); 1 the receiver took nothing for --give-up-after seconds; 64 wrong usage.
`;

export const registerFollow: Register = (program, exit) => {
  program
    .command('follow')
    .description("Follow a kube-apiserver's audit log through rotation, and push it to Falco's k8saudit webhook.")
    .argument('<logfile>', 'the log that is being written')
    .requiredOption('--to <url>', "Falco's webhook, for example http://127.0.0.1:9765/k8s-audit")
    .option('--cluster <name>', 'name of the cluster the events come from (cluster_name in the event)')
    .option('--account <id>', 'account the cluster is in (tiercel.dev/account in the event)')
    .option('--region <name>', 'region the cluster is in (tiercel.dev/region in the event)')
    .option('--checkpoint <file>', 'where to keep the place that has been reached, so that a restart goes on there')
    .option('--rejects <file>', 'append lines that can never be delivered to this file, with the reason')
    .addOption(
      new Option('--from <where>', 'where to begin without a checkpoint (default: end; start with --once)').choices(['start', 'end']),
    )
    .option('--once', 'stop at the end of the log instead of waiting for more')
    .option(
      '--give-up-after <seconds>',
      'end when the receiver has taken nothing for this long (default: never; 60 with --once)',
      wholeNumber,
    )
    .addOption(
      new Option('--report-every <seconds>', 'between two lines of metrics, 0 for none').default(60).argParser((text) => wholeNumber(text)),
    )
    .addOption(
      new Option('--max-event-bytes <bytes>', "Falco's maxEventSize: larger events are reduced")
        .default(262_144)
        .argParser((text) => wholeNumber(text)),
    )
    .option(
      '--mac-key <file>',
      'file with the secret under which events are stamped (tiercel.dev/mac), so that respond may act on their alerts',
    )
    .option('--mac-key-id <id>', 'the id respond knows the secret by')
    .option('--ca <file>', "PEM file with the authorities of Falco's certificate")
    .option('--cert <file>', 'PEM file with a client certificate')
    .option('--key <file>', 'PEM file with its private key')
    .addHelpText('after', EXAMPLES)
    .action(async (logFile: string, options: FollowOptions) => {
      const { runFollow } = await import('../follow/command.ts');
      const stop = new AbortController();
      const onSignal = () => stop.abort();
      process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
      try {
        const end = await runFollow(logFile, options, process.stderr, stop.signal);
        exit(end === 'gave-up' ? EXIT.failed : EXIT.ok);
      } catch (error) {
        // Wrong options and files that cannot be used; anything else is a defect and keeps its stack.
        if (!(error instanceof TiercelError)) throw error;
        process.stderr.write(`tiercel follow: ${error.message}\n`);
        exit(EXIT.usage);
      } finally {
        process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
      }
    });
};

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}
