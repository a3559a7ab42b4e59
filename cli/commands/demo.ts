import { EXIT, type Register } from '../program.ts';

export const registerDemo: Register = (program, exit) => {
  program
    .command('demo')
    .description('Run the whole chain on real sample events, offline: audit events → alerts → planned responses.')
    .option('--json', 'print what happened as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npm start\n  $ tiercel demo --json | jq .alerts[].rule\n\nNothing leaves this machine and nothing is changed anywhere.\n\nExit codes: 0 done; 64 wrong usage.\n',
    )
    .action(async ({ json }: { readonly json?: boolean }) => {
      const [{ runDemo }, { demoAsText }] = await Promise.all([import('../demo/demo.ts'), import('../demo/text.ts')]);
      const result = await runDemo();
      process.stdout.write(json ? `${JSON.stringify(result, exactly, 2)}\n` : demoAsText(result, process.stdout));
      exit(EXIT.ok);
    });
};

// In Node since 22, in TypeScript's library not yet.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

/** Nanoseconds do not fit a number; JSON has no such limit. */
function exactly(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? rawJSON(String(value)) : value;
}
