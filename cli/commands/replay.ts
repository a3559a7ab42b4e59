import { tlsOptions, webhookOption, wholeNumber } from '../options.ts';
import { EXIT, type Register } from '../program.ts';
import type { ReplayOptions } from '../replay/command.ts';

const EXAMPLES = `
Examples:
  $ tiercel replay --to http://127.0.0.1:9765/k8s-audit --cluster dev audit.log
  $ tiercel replay --to https://falco.internal:9765/k8s-audit --ca ca.pem 2026/11/*.gz
  $ aws s3 cp s3://audit-archive/2026/11/02/one.gz - | tiercel replay --to http://127.0.0.1:9765/k8s-audit -

Reads NDJSON, JSON arrays, EventLists, CloudWatch Logs envelopes and what Firehose makes of them, gzipped or not; the bytes say which.
Events are sent at least once: those sent again because an answer was lost carry tiercel.dev/attempt and are counted as re-sent.

Exit codes: 0 every event was delivered, or is named with the reason why it cannot be; 1 some were not, or the input is damaged; 64 wrong usage.
`;

export const registerReplay: Register = (program, exit) => {
  const command = program
    .command('replay')
    .description("Push recorded audit events to Falco's k8saudit webhook.")
    .argument('<files...>', 'files of audit events, - for standard input')
    .addOption(webhookOption())
    .option('--cluster <name>', 'name of the cluster the events come from (cluster_name in the event); default: what their log group says')
    .option('--json', 'print the summary as JSON')
    .option('--max-body-bytes <bytes>', 'bytes of one request body, at most (default: 1048576)', wholeNumber(1024, 12_582_912))
    .option('--max-body-events <count>', 'events in one request body, at most (default: 1000)', wholeNumber(1, 100_000))
    .option('--concurrency <count>', 'requests under way at the same time (default: 4)', wholeNumber(1, 64))
    .option('--give-up-after <seconds>', 'stop when the receiver has taken nothing for this long', wholeNumber(), 60)
    .addHelpText('after', EXAMPLES)
    .action(async (files: readonly string[], options: ReplayOptions) => {
      const { runReplay } = await import('../replay/command.ts');
      const accountedFor = await runReplay(files, options, { out: process.stdout, log: process.stderr, stdin: process.stdin });
      exit(accountedFor ? EXIT.ok : EXIT.failed);
    });
  for (const option of tlsOptions()) command.addOption(option);
};
