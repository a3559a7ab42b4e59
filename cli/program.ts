import { Command, CommanderError } from 'commander';
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

/** What an exit code means, for every command. */
export const EXIT = { ok: 0, failed: 1, warnings: 2, findings: 3, usage: 64 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A command file registers its words here. Heavy imports belong inside the action, so that `--help` stays quick. */
export type Register = (program: Command, exit: (code: ExitCode) => void) => void;

/** One line per file in `cli/commands/`. */
const COMMANDS: readonly Register[] = [
  registerDemo,
  registerDoctor,
  registerEvaluate,
  registerFollow,
  registerInvoke,
  registerJournal,
  registerPolicy,
  registerReplay,
  registerRespond,
  registerRules,
  registerSelect,
];

/** Runs one command line (without `node` and the script). Resolves to the exit code; never calls `process.exit`. */
export async function run(argv: readonly string[]): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = new Command('tiercel').description('EKS audit events to Falco, and answers to what Falco finds.').exitOverride();
  for (const register of COMMANDS) {
    register(program, (code) => {
      exitCode = code;
    });
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    throw error;
  }
}
