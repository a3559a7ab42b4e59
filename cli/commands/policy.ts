import { EXIT, type Register } from '../program.ts';
import type { ResultFormat } from '../respond/policies.ts';

const CHECK_HELP = `
Examples:
  $ tiercel policy check
  $ tiercel policy check rules/respond my-policies
  $ tiercel policy check --json | jq '.findings[] | .file, .line, .message'

Exit codes: 0 nothing is wrong; 3 there are problems; 64 wrong usage.
`;

const RBAC_HELP = `
Examples:
  $ tiercel policy rbac --shadow my-policies | kubectl apply -f -
  $ tiercel policy rbac my-policies | kubectl diff -f -

For the policies that come with tiercel, infra/kubernetes/respond-rbac.yaml says the same.

Exit codes: 0 done; 64 wrong usage, or policies that are not sound.
`;

const TEST_HELP = `
Examples:
  $ tiercel policy test
  $ tiercel policy test my-policies/responses.test.yaml

Exit codes: 0 every case holds; 3 one does not, or there is none; 64 wrong usage.
`;

export const registerPolicy: Register = (program, exit) => {
  const policy = program
    .command('policy')
    .description('Check and test the policies that say what respond does; print the rights they need.');
  policy
    .command('check')
    .description('Find everything that is wrong with policies, each at its line.')
    .argument('[paths...]', 'policy files or folders (default: the policies that come with tiercel)')
    .option('--json', 'print everything as one JSON document')
    .addHelpText('after', CHECK_HELP)
    .action(async (paths: readonly string[], options: ResultFormat) => {
      const { checkPolicies, OWN_POLICIES } = await import('../respond/policies.ts');
      exit((await checkPolicies(paths.length > 0 ? paths : OWN_POLICIES, process.stdout, options)) ? EXIT.ok : EXIT.findings);
    });
  policy
    .command('rbac')
    .description('Print the Kubernetes roles that respond needs for policies, for kubectl apply: one to look, one to act.')
    .argument('[paths...]', 'policy files or folders (default: the policies that come with tiercel)')
    .option('--shadow', 'only what looking takes')
    .addHelpText('after', RBAC_HELP)
    .action(async (paths: readonly string[], options: { readonly shadow?: true }) => {
      const { OWN_POLICIES, printRoles } = await import('../respond/policies.ts');
      await printRoles(paths.length > 0 ? paths : OWN_POLICIES, options, process.stdout);
    });
  policy
    .command('test')
    .description('Run the cases of *.test.yaml files: an alert, and the plan or refusal it should lead to.')
    .argument('[paths...]', 'test files, or folders to look for them in (default: the tests that come with tiercel)')
    .option('--json', 'print everything as one JSON document')
    .addHelpText('after', TEST_HELP)
    .action(async (paths: readonly string[], options: ResultFormat) => {
      const { OWN_POLICIES, testPolicies } = await import('../respond/policies.ts');
      exit((await testPolicies(paths.length > 0 ? paths : OWN_POLICIES, process.stdout, options)) ? EXIT.ok : EXIT.findings);
    });
};
