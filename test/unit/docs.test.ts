import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter((page) => existsSync(join(root, page)));

const prose = (page: string) => readFileSync(join(root, page), 'utf8').replace(/```[\s\S]*?```/g, '');

/** Anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of prose(page).matchAll(/^#{1,6} (.+)$/gm)) {
    const text = heading!.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = text
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-');
    let unique = anchor;
    for (let again = 1; anchors.has(unique); again++) unique = `${anchor}-${again}`;
    anchors.add(unique);
  }
  return anchors;
}

/** `docs/a.md` → the pages and headings it links to: `[page, anchor or '']`. */
function linksOf(page: string): [string, string][] {
  return [...prose(page).matchAll(/\]\(([^)\s]*)\)/g)]
    .map((match) => match[1]!)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [path = '', anchor = ''] = link.split('#');
      return [path === '' ? page : join(dirname(page), path), anchor];
    });
}

/** Commands of the console blocks in a page, without what they print. */
function commandsIn(page: string): string[] {
  const blocks = [...readFileSync(join(root, page), 'utf8').matchAll(/```console\n([\s\S]*?)```/g)].map((match) => match[1]!);
  return blocks.flatMap((block) => [...block.matchAll(/^\s*\$ (.+)$/gm)].map((match) => match[1]!.replace(/\s+# .*$/, '')));
}

describe('documents', () => {
  it.each(pages)('%s: its links lead somewhere in the tree', (page) => {
    const text = readFileSync(join(root, page), 'utf8').replace(/```[\s\S]*?```/g, '');
    const links = [...text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!).filter((link) => !/^[a-z]+:/.test(link));
    expect(links.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
  });

  it.each(pages)('%s: the headings it links to are there', (page) => {
    const missing = linksOf(page).filter(
      ([target, anchor]) => anchor !== '' && target.endsWith('.md') && existsSync(join(root, target)) && !anchorsOf(target).has(anchor),
    );
    expect(missing).toEqual([]);
  });

  it('lead from docs/README.md to every page of docs/ in two clicks', () => {
    const listed = new Set(linksOf('docs/README.md').map(([target]) => target));
    const next = new Set([...listed].filter((page) => page.endsWith('.md')).flatMap((page) => linksOf(page).map(([target]) => target)));
    const reached = (page: string) => listed.has(page) || next.has(page) || page === 'docs/README.md';
    expect(pages.filter((page) => page.startsWith('docs/') && !reached(page))).toEqual([]);
  });

  it('README names only npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    const named = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/npm run (?:-s )?([a-z:]+)/g)].map((match) => match[1]!);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe('commands of README and quickstart', () => {
  /** What needs an account, a cluster or a network; or what other tests run (they use the same folder). */
  const ELSEWHERE = /^(npm ci$|alias |npx osls (deploy|remove|invoke)\b|npm run package\b|kubectl |aws )/;
  const LOCAL = /^npm (?:start|run -s tiercel --)(.*)$/;
  /** They ask AWS, so here they only have to be understood. */
  const ASKS_AWS = /^(doctor|journal) /;
  const commands = [...new Set(['README.md', 'docs/quickstart.md'].flatMap(commandsIn))];

  it('are all known: run here, or named as not', () => {
    expect(commands.length).toBeGreaterThan(15);
    expect(commands.filter((command) => !ELSEWHERE.test(command) && !LOCAL.test(command))).toEqual([]);
  });

  it.each(commands.filter((command) => LOCAL.test(command)))('%s', async (command) => {
    const words = LOCAL.exec(command)![1]!.trim() || 'demo';
    const { code, stdout, stderr } = await promisify(execFile)('sh', ['-c', `exec "$0" cli/main.ts ${words}`, process.execPath], {
      cwd: root,
      env: { PATH: process.env.PATH, HOME: '/nonexistent', AWS_REGION: 'eu-central-1', AWS_EC2_METADATA_DISABLED: 'true' },
    }).then(
      (done) => ({ code: 0, ...done }),
      (error: { code: number; stdout: string; stderr: string }) => error,
    );
    if (ASKS_AWS.test(words)) {
      expect([code, stderr]).toEqual([1, expect.stringMatching(/credentials/i)]);
    } else {
      expect(code, stderr).toBe(0);
      expect(stdout).not.toBe('');
    }
  });
});
