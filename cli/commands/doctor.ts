import type { DoctorOptions } from '../doctor/command.ts';
import { repeated } from '../options.ts';
import { EXIT, type Register } from '../program.ts';

const HELP = `
Examples:
  $ tiercel doctor --stage prod
  $ tiercel doctor --stage prod --json | jq '.results[] | select(.verdict == "fault")'
  $ tiercel doctor --stage prod --check rbac --kubeconfig ~/.kube/config
  $ tiercel doctor --stage prod --iam-policy > doctor-policy.json

Looks at what is deployed, with your own AWS credentials, and compares it with infra/stages/<stage>.yml; changes nothing.
Every check is independent: one that fails or is forbidden hides no other. docs/reference/doctor.md lists them.
Clusters are reached with your AWS identity, or with --kubeconfig: contexts named as EKS names them, or as the stage does.

Exit codes: 0 all is well; 3 there are faults; 1 some things could not be asked; 64 wrong usage.
`;

export const registerDoctor: Register = (program, exit) => {
  program
    .command('doctor')
    .description('Check a deployed stage from outside, and say what to do about what is wrong.')
    .requiredOption('--stage <name>', 'infra/stages/<name>.yml says what should be there')
    .option('--json', 'print everything as one JSON document')
    .option('--check <id>', 'run this check only; may be repeated', repeated)
    .option('--kubeconfig <path>', 'reach the clusters by this file instead of your AWS identity')
    .option('--package <folder>', 'also compare deployed code with the zip files that `npm run package` has put here (.serverless)')
    .option('--iam-policy', 'print the IAM policy that doctor needs for this stage, and ask nothing')
    .addHelpText('after', HELP)
    .action(async (options: DoctorOptions) => {
      const { doctor } = await import('../doctor/command.ts');
      const outcome = await doctor(options, { out: process.stdout, log: process.stderr });
      exit({ well: EXIT.ok, faults: EXIT.findings, unknown: EXIT.failed }[outcome]);
    });
};
