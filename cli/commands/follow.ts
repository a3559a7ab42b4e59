import { Option } from 'commander';
import type { FollowOptions } from '../follow/command.ts';
import { tlsOptions, webhookOption, wholeNumber } from '../options.ts';
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

Exit codes: 0 stopped by a signal, or at the end of the log (--once); 1 the receiver took nothing for --give-up-after seconds, or
the checkpoint or the rejects cannot be written; 64 wrong usage.
`;

export const registerFollow: Register = (program, exit) => {
  const command = program
    .command('follow')
    .description("Follow a kube-apiserver's audit log through rotation, and push it to Falco's k8saudit webhook.")
    .argument('<logfile>', 'the log that is being written')
    .addOption(webhookOption())
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
      wholeNumber(),
    )
    .option('--report-every <seconds>', 'between two lines of metrics, 0 for none', wholeNumber(), 60)
    .option('--max-event-bytes <bytes>', "Falco's maxEventSize: larger events are reduced", wholeNumber(16_384, 12_582_912), 262_144)
    .option(
      '--mac-key <file>',
      'file with the secret under which events are stamped (tiercel.dev/mac), so that respond may act on their alerts',
    )
    .option('--mac-key-id <id>', 'the id respond knows the secret by')
    .addHelpText('after', EXAMPLES)
    .action(async (logFile: string, options: FollowOptions) => {
      const { runFollow } = await import('../follow/command.ts');
      const stop = new AbortController();
      const onSignal = () => stop.abort();
      process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
      try {
        const end = await runFollow(logFile, options, process.stderr, stop.signal);
        exit(end === 'gave-up' ? EXIT.failed : EXIT.ok);
      } finally {
        process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
      }
    });
  for (const option of tlsOptions()) command.addOption(option);
};
