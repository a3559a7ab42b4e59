import { Command, CommanderError } from 'commander';
import project from '../package.json' with { type: 'json' };
import { TiercelError } from '../shared/platform/errors.ts';
import { registerDemo } from './commands/demo.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerEvaluate } from './commands/evaluate.ts';
import { registerFollow } from './commands/follow.ts';
import { registerInvoke } from './commands/invoke.ts';
import { registerJournal } from './commands/journal.ts';
import { registerPolicy } from './commands/policy.ts';
import { registerReplay } from './commands/replay.ts';
import { registerRespond } from './commands/respond.ts';
import { registerRules } from './commands/rules.ts';
import { registerSelect } from './commands/select.ts';
import { visible } from './print/terminal.ts';
import { serviceFailure } from './service-failure.ts';
import { UsageError } from './usage.ts';

/** What an exit code means, for every command. */
export const EXIT = { ok: 0, failed: 1, warnings: 2, findings: 3, usage: 64 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command file registers its words here. Heavy imports belong inside the action, so that `--help` stays quick. */
export type Register = (program: Command, exit: (code: ExitCode) => void) => void;

/** Every file of `cli/commands/`, under the heading that the help shows it. */
const COMMANDS: Readonly<Record<string, readonly Register[]>> = {
  'Events and rules, on this machine:': [registerDemo, registerEvaluate, registerSelect, registerRules],
  'To Falco:': [registerReplay, registerFollow],
  'Responses:': [registerPolicy, registerRespond, registerJournal],
  'A stage and its functions:': [registerDoctor, registerInvoke],
};

/** Every command with its words. Commands say by `exit` how they ended. */
export function commandLine(exit: (code: ExitCode) => void = () => {}): Command {
  const program = new Command('tiercel')
    .description('EKS audit events to Falco, and answers to what Falco finds.')
    .version(project.version)
    // `rules publish` has a --version of its own.
    .enablePositionalOptions()
    .exitOverride();
  for (const [heading, registers] of Object.entries(COMMANDS)) {
    program.commandsGroup(heading);
    for (const register of registers) register(program, exit);
  }
  return program.addHelpText('after', '\ntiercel <command> --help has examples and exit codes.\n');
}

/** Runs one command line (without `node` and the script). Resolves to the exit code; never calls `process.exit`. */
export async function run(argv: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  let running = 'tiercel';
  const program = commandLine((code) => {
    exitCode = code;
  }).hook('preAction', (_, command) => {
    running = nameOf(command);
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    // What was foreseen says by itself what to do; anything else is a defect and keeps its stack.
    const foreseen = error instanceof TiercelError ? error : serviceFailure(error);
    if (foreseen === undefined) throw error;
    process.stderr.write(`${running}: ${visible(foreseen.message)}\n`);
    return foreseen instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}

/** `tiercel rules check` */
function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}
