import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { commandLine, run } from '../../../cli/program.ts';

const root = resolve(import.meta.dirname, '../../..');

/** Commands that do something, by name: `rules check`. */
function leaves(command: Command, name = ''): [string, Command][] {
  if (command.commands.length === 0) return [[name, command]];
  return command.commands.flatMap((child) => leaves(child, `${name} ${child.name()}`.trim()));
}
const COMMANDS = new Map(leaves(commandLine()));

/** Runs a command line in this process; what it prints goes nowhere else. */
async function tiercel(...argv: string[]) {
  const printed = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((chunk: unknown) => {
      printed[stream] += String(chunk);
      return true;
    }),
  );
  try {
    return { code: await run(argv), ...printed };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

describe('help', () => {
  it.each([...COMMANDS.keys()])('%s: says what it does, shows how, and names its exit codes', async (name) => {
    const { code, stdout } = await tiercel(...name.split(' '), '--help');
    expect(code).toBe(0);
    expect(COMMANDS.get(name)!.description()).toMatch(/\.$/);
    expect(stdout).toMatch(/\nExamples?:\n {2}\$ /);
    expect(stdout).toMatch(/\nExit codes: 0 .*64 wrong usage/s);
  });

  it('goes to standard output when asked for, and tells what there is when nothing was', async () => {
    expect(await tiercel('--help')).toMatchObject({ code: 0, stdout: expect.stringContaining('Usage: tiercel '), stderr: '' });
    expect(await tiercel()).toMatchObject({ code: 64, stdout: '', stderr: expect.stringContaining('Usage: tiercel ') });
    expect(await tiercel('--version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it('options of one name mean one thing, and look alike', () => {
    const spellings = new Map<string, Set<string>>();
    for (const command of COMMANDS.values())
      for (const { long, flags } of command.options) spellings.set(long!, (spellings.get(long!) ?? new Set()).add(flags));
    const differing = [...spellings].filter(([, flags]) => flags.size > 1).map(([long]) => long);
    // `doctor --check queues` names a check; `rules publish --check` only compares.
    expect(differing).toEqual(['--check']);
  });
});

describe('who does not read on', () => {
  const event = readFileSync(join(root, 'events/audit/secret-list-cluster.json'), 'utf8').trim();
  const broken = Array.from({ length: 200 }, () => 'not JSON').join('\n');

  it('stops nothing by closing standard error, and everything by closing standard output, without a word', async () => {
    for (const closed of ['stderr', 'stdout'] as const) {
      const child = spawn(process.execPath, ['cli/main.ts', 'evaluate', '-'], { cwd: root });
      child[closed].destroy();
      const left = child[closed === 'stderr' ? 'stdout' : 'stderr'];
      let said = '';
      left.on('data', (chunk: Buffer) => {
        said += chunk;
      });
      child.stdin.on('error', () => {});
      child.stdin.end(closed === 'stderr' ? `${broken}\n${event}\n` : `${event}\n`.repeat(2000));
      const [code] = await once(child, 'close');
      if (closed === 'stderr') expect([code, said]).toEqual([1, expect.stringContaining('Secrets Listed Across Cluster')]);
      else expect([code, said]).toEqual([0, '']);
    }
  });
});

describe('numbers', () => {
  it.each([
    ['replay --to http://127.0.0.1:1/k8s-audit --concurrency 0 -', 'from 1 to 64'],
    ['replay --to http://127.0.0.1:1/k8s-audit --max-body-bytes 99999999999999999999 -', 'from 1024 to 12582912'],
    // Everything would be too large, rejected, and behind the checkpoint.
    ['follow --to http://127.0.0.1:1/k8s-audit --max-event-bytes 0 x', 'from 16384 to 12582912'],
    ['invoke respond x --times 1.5', 'of at least 1'],
    ['journal list --stage prod --hours -1', 'of at least 1'],
  ])('%s: refused with what is possible', async (line, possible) => {
    expect(await tiercel(...line.split(' '))).toMatchObject({
      code: 64,
      stderr: expect.stringContaining(`Expected a whole number ${possible}.`),
    });
  });
});

describe('command lines in documents, help texts and messages', () => {
  const files = execFileSync('git', ['ls-files', '*.md', '*.ts', '*.yaml', '*.yml', '*.sh', '*.service', ':!test'], {
    cwd: root,
    encoding: 'utf8',
  })
    .trim()
    .split('\n')
    .filter((file) => existsSync(join(root, file)));
  const names = new Set([...COMMANDS.keys()].map((name) => name.split(' ')[0]!));
  /** `tiercel …` and `npm run -s tiercel -- …`, to the end of the command. */
  const mentioned = files.flatMap((file) =>
    [
      ...readFileSync(join(root, file), 'utf8')
        .replaceAll('\\\n', ' ')
        .matchAll(/\btiercel(?: --)? ([a-z]+(?: [^\n`|'>;]*)?)/g),
    ]
      .map((match) => [file, match[1]!.split(/\s+/)] as const)
      .filter(([, [word]]) => names.has(word!)),
  );

  it('there are some of every command', () => {
    expect(new Set(mentioned.map(([, [word]]) => word))).toEqual(names);
  });

  it('use options that exist', () => {
    const wrong = mentioned.flatMap(([file, words]) => {
      const command = COMMANDS.get(words.slice(0, 2).join(' ')) ?? COMMANDS.get(words[0]!);
      const options = words.map((word) => /^--[a-z-]+/.exec(word)?.[0]).filter((option) => option !== undefined);
      const known = new Set(['--help', ...(command?.options ?? []).map(({ long }) => long)]);
      return options.filter((option) => !known.has(option)).map((option) => `${file}: ${words.slice(0, 2).join(' ')} ${option}`);
    });
    expect(wrong).toEqual([]);
  });
});

describe('what cannot be used', () => {
  let folder: string;
  beforeAll(() => {
    // Nobody is signed in, and nobody is asked who might be.
    for (const [name, value] of Object.entries({ HOME: '/nonexistent', AWS_REGION: 'eu-central-1', AWS_EC2_METADATA_DISABLED: 'true' }))
      vi.stubEnv(name, value);
    folder = mkdtempSync(join(tmpdir(), 'tiercel-given-'));
    mkdirSync(join(folder, 'folder'));
    writeFileSync(join(folder, 'empty'), '');
    writeFileSync(
      join(folder, 'binary'),
      Uint8Array.from({ length: 5000 }, (_, at) => (at * 131) % 256),
    );
    writeFileSync(join(folder, 'cut.gz'), Uint8Array.of(0x1f, 0x8b, 8, 0, 1, 2, 3));
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  /** Every command that reads a file, with FILE where it stands. */
  const READERS = [
    'evaluate FILE',
    'evaluate --rules FILE events/audit/exec-started.json',
    'evaluate --append-output FILE events/audit/exec-started.json',
    'select FILE',
    'select --rules FILE events/audit/exec-started.json',
    'replay --to http://127.0.0.1:1/k8s-audit --give-up-after 0 FILE',
    'replay --to https://127.0.0.1:1/k8s-audit --give-up-after 0 --ca FILE events/audit/exec-started.json',
    'follow --to http://127.0.0.1:1/k8s-audit --once --give-up-after 0 FILE',
    'follow --to http://127.0.0.1:1/k8s-audit --once --give-up-after 0 --checkpoint FILE events/audit/exec-started.json',
    'follow --to http://127.0.0.1:1/k8s-audit --once --give-up-after 0 --mac-key FILE --mac-key-id k1 events/audit/exec-started.json',
    'rules check FILE',
    'rules test FILE',
    'rules case FILE',
    'rules explain --rule x FILE',
    'rules explain --rule x --rules FILE events/audit/exec-started.json',
    'rules publish --out OUT --rules FILE',
    'policy check FILE',
    'policy test FILE',
    'respond FILE',
    'respond --policy FILE events/respond/invoke.json',
    'respond --kubeconfig FILE events/respond/invoke.json',
    'invoke respond FILE',
    'undo ID --table t --kubeconfig FILE',
    'approve ID --table t --kubeconfig FILE',
  ];

  it.each(READERS)('%s', async (line) => {
    for (const name of ['missing', 'folder', 'empty', 'binary', 'cut.gz']) {
      const words = line.split(' ').map((word) => word.replace('FILE', join(folder, name)).replace('OUT', join(folder, 'out')));
      const { code, stdout, stderr } = await tiercel(...words);
      // A checkpoint is made where there was none.
      rmSync(join(folder, 'missing'), { force: true });
      const said = `${name}: ${code}\n${stdout}${stderr}`;
      expect([0, 1, 2, 3, 64], said).toContain(code);
      expect(stderr, said).not.toMatch(/\n {4}at /);
      if (name === 'missing' || name === 'folder') expect([name, code > 0 && stdout + stderr !== ''], said).toEqual([name, true]);
    }
  });
});
