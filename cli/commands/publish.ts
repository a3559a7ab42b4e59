import type { Command } from 'commander';
import project from '../../package.json' with { type: 'json' };
import { rulesOption } from '../options.ts';
import { EXIT, type ExitCode } from '../program.ts';
import type { PublishCommandOptions } from '../publish/command.ts';

const HELP = `
Examples:
  $ tiercel rules publish --out build/rules
  $ helm upgrade falco falcosecurity/falco -f infra/helm/falco.values.yaml -f build/rules/falco-rules.values.yaml
  $ oras copy --from-oci-layout build/rules/oci:0.1.0 registry.example.com/tiercel-rules:0.1.0

Writes rules/ (the files), falco-rules.values.yaml (customRules of the official chart), falco-rules.configmap.yaml, and oci/ (an OCI layout with a rules
artifact for falcoctl). All carry the digest of the rules, which the heartbeat rule brings back from Falco. The same rules make the same bytes.

Exit codes: 0 written, or up to date; 3 --check found a difference; 64 wrong usage, or rules that cannot be published.
`;

/** A subcommand of `rules`. */
export function registerPublish(rules: Command, exit: (code: ExitCode) => void): void {
  rules
    .command('publish')
    .description('Write rules as Falco takes them: files, values of the official chart, a ConfigMap, an artifact for falcoctl.')
    .requiredOption('--out <folder>', 'where to write; what an earlier publication left there is taken away')
    .option('--check', 'write nothing: compare the folder with what would be written')
    .addOption(rulesOption())
    .option('--version <version>', 'version of the artifact, and its tag', project.version)
    .option('--namespace <name>', 'namespace of the ConfigMap', 'falco')
    .addHelpText('after', HELP)
    .action(async (options: PublishCommandOptions) => {
      const { runPublish } = await import('../publish/command.ts');
      exit((await runPublish(options, process.stdout)) ? EXIT.ok : EXIT.findings);
    });
}
