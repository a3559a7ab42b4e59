import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const text = (file: string) => readFileSync(join(root, file), 'utf8');
const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter((file) => existsSync(join(root, file)));
const shipped = tracked.filter((file) => /^(cli|functions|infra|shared)\/.*\.ts$/.test(file));

/** Files with a line that matches, as `file:line: text`. */
function lines(files: readonly string[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    text(file)
      .split('\n')
      .flatMap((line, at) => (pattern.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : [])),
  );
}

/** What CONTRIBUTING.md asks and a machine can see. The import law has a test of its own. */
describe('the rules of the house', () => {
  it('files stay under 400 lines', () => {
    expect(shipped.filter((file) => text(file).split('\n').length > 401)).toEqual([]);
  });

  it('the environment is read in config.ts, and where a process begins', () => {
    const begins = ['cli/main.ts', 'cli/lambda-runtime/bootstrap.ts', 'cli/lambda-runtime/function-process.ts'];
    const others = shipped.filter((file) => !file.endsWith('/config.ts') && !begins.includes(file));
    expect(lines(others, /\bprocess\.env\b/)).toEqual([]);
  });

  it('time and randomness come in through the clock', () => {
    // A socket to a cluster is real, and so is the time it takes: virtual time ends above it.
    const real = ['shared/platform/clock.ts', 'shared/platform/kube/exchange.ts'];
    const others = shipped.filter((file) => /^(shared|functions)\//.test(file) && !real.includes(file));
    expect(lines(others, /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bset(Timeout|Interval)\(|\brandom(Bytes|UUID)\b/)).toEqual([]);
  });

  it('codes of errors are in capitals', () => {
    const codes = shipped.flatMap((file) =>
      [...text(file).matchAll(/\b(?:super|TiercelError|UsageError)\(\s*'([^']*)',\s/g)].map((match) => match[1]!),
    );
    expect(codes.length).toBeGreaterThan(50);
    expect(codes.filter((code) => !/^[A-Z][A-Z0-9_]+$/.test(code))).toEqual([]);
  });

  it('nothing is left for later', () => {
    expect(lines(shipped, /\b(TODO|FIXME|HACK|XXX)\b/)).toEqual([]);
  });

  it('each function has its handler, settings, rights and page, and is in the picture', () => {
    const folders = readdirSync(join(root, 'functions'));
    const missing = folders.flatMap((folder) =>
      ['handler.ts', 'function.yml', 'role.yml', 'README.md']
        .map((file) => `functions/${folder}/${file}`)
        .filter((file) => !tracked.includes(file)),
    );
    expect(missing).toEqual([]);
    const picture = /```mermaid\n([\s\S]*?)```/.exec(text('docs/architecture.md'))![1]!;
    expect(folders.filter((folder) => !picture.includes(`${folder} λ`))).toEqual([]);
    expect(folders.length).toBeGreaterThan(4);
  });

  it('each decision is in the index', () => {
    const index = text('docs/decisions/README.md');
    const pages = readdirSync(join(root, 'docs/decisions')).filter((page) => page !== 'README.md');
    expect(pages.filter((page) => !index.includes(`](${page})`))).toEqual([]);
  });

  it('each dependency is pinned, and defended in a decision', () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(text('package.json')) as Record<
      string,
      Record<string, string>
    >;
    const versions = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
    const decisions = tracked
      .filter((file) => file.startsWith('docs/decisions/'))
      .map(text)
      .join('\n');
    /** Families that are defended together. */
    const name = (dependency: string) =>
      dependency
        .replace(/^@aws-lambda-powertools\/.*/, 'Powertools')
        .replace(/^@aws-sdk\/client-.*/, 'AWS SDK v3')
        .replace(/^@(aws-sdk|smithy|middy|biomejs)\//, '')
        .replace(/^(core)$/, 'middy');
    const undefended = versions.map(([dependency]) => dependency).filter((dependency) => !decisions.includes(name(dependency)));
    expect(undefended).toEqual([]);
  });

  it('the lock file names no place to download from', () => {
    const { packages } = JSON.parse(text('package-lock.json')) as { packages: Record<string, { resolved?: string }> };
    expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
  });
});
