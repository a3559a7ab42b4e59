import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readKubeconfig } from '../../../../../shared/platform/kube/index.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tiercel-kubeconfig-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

let now = Date.parse('2026-01-01T00:00:00Z');
const clock = { now: () => now, sleep: async () => {} };
const base64 = (text: string) => Buffer.from(text).toString('base64');

function write(user: unknown, cluster: Record<string, unknown> = {}): string {
  const path = join(folder, 'config');
  const config = {
    'current-context': 'one',
    contexts: [
      { name: 'one', context: { cluster: 'c', user: 'u' } },
      { name: 'broken', context: { cluster: 'nowhere', user: 'u' } },
    ],
    // Unlike what is supported, and not what is asked for.
    clusters: [
      { name: 'other', cluster: { server: 'http://localhost:8080', 'insecure-skip-tls-verify': true } },
      { name: 'c', cluster: { server: 'https://api:6443', 'certificate-authority-data': base64('CA'), ...cluster } },
    ],
    users: [
      { name: 'other', user: { as: 'admin' } },
      { name: 'u', user },
    ],
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

describe('readKubeconfig', () => {
  it('takes certificates, in the file or beside it', async () => {
    writeFileSync(join(folder, 'key.pem'), 'KEY');
    const path = write({ 'client-certificate-data': base64('CERT'), 'client-key': 'key.pem' }, { 'tls-server-name': 'kubernetes' });
    expect(await readKubeconfig(path, clock)).toEqual({
      server: 'https://api:6443',
      caPem: 'CA',
      tlsServerName: 'kubernetes',
      clientCertPem: 'CERT',
      clientKeyPem: 'KEY',
    });
  });

  it('takes a token, and a token file that changes', async () => {
    expect(await (await readKubeconfig(write({ token: 'a' }), clock)).token?.()).toBe('a');
    writeFileSync(join(folder, 'token'), 'b\n');
    const { token } = await readKubeconfig(write({ tokenFile: 'token' }), clock);
    expect(await token?.()).toBe('b');
    writeFileSync(join(folder, 'token'), 'c\n');
    expect(await token?.()).toBe('c');
  });

  it('asks a plugin, with the settings it wants, and keeps what it says while it is good', async () => {
    const log = join(folder, 'log');
    const script = `echo x >> '${log}'; echo '{"status":{"token":"'"$PREFIX"'1","expirationTimestamp":"2026-01-01T00:15:00Z"}}'`;
    const { token } = await readKubeconfig(
      write({ exec: { apiVersion: 'x', command: 'sh', args: ['-c', script], env: [{ name: 'PREFIX', value: 't' }] } }),
      clock,
    );
    const { readFileSync } = await import('node:fs');
    expect([await token?.(), await token?.()]).toEqual(['t1', 't1']);
    expect(readFileSync(log, 'utf8')).toBe('x\n');
    now += 14.5 * 60_000;
    await token?.();
    expect(readFileSync(log, 'utf8')).toBe('x\nx\n');
  });

  it('asks a plugin once for all who wait, and again when the server refused what it gave', async () => {
    const log = join(folder, 'log-2');
    const script = `echo x >> '${log}'; echo '{"status":{"token":"'$(wc -l < '${log}' | tr -d ' ')'"}}'; test -n "$KUBERNETES_EXEC_INFO"`;
    const { token } = await readKubeconfig(write({ exec: { command: 'sh', args: ['-c', script] } }), clock);
    expect(await Promise.all([token?.(), token?.(), token?.()])).toEqual(['1', '1', '1']);
    expect(await token?.()).toBe('1');
    expect(await Promise.all([token?.('1'), token?.('1')])).toEqual(['2', '2']);
    expect(await token?.('1')).toBe('2');
  });

  it.each([
    [{ as: 'admin' }, {}, 'user u.as: impersonation is not supported'],
    [{ token: 't', 'as-groups': ['system:masters'] }, {}, 'user u.as-groups: impersonation is not supported'],
    [{ token: 't' }, { 'proxy-url': 'http://proxy' }, 'cluster c.proxy-url: proxies are not supported'],
    [{ 'client-certificate': 'nowhere.pem' }, {}, /^Kubeconfig .*ENOENT.*nowhere\.pem/],
    [{ tokenFile: 1 }, {}, 'user u.tokenFile'],
  ])('refuses what it would have to ignore: %j %j', async (user, cluster, why) => {
    await expect(readKubeconfig(write(user, cluster), clock)).rejects.toThrow(why);
  });

  it('tells where a file is not YAML, and nothing of what is in it', async () => {
    const path = join(folder, 'broken');
    writeFileSync(path, 'users:\n- token: "secret\n');
    const error = await readKubeconfig(path, clock).catch((thrown: unknown) => thrown as Error);
    expect(String(error)).toMatch(/expected YAML, line \d/);
    expect(String(error)).not.toContain('secret');
  });

  it('says what is wrong', async () => {
    await expect(readKubeconfig(join(folder, 'none'), clock)).rejects.toThrow('ENOENT');
    await expect(readKubeconfig(write({ token: 'a' }), clock, 'two')).rejects.toThrow(
      'expected a context named two, there are one, broken',
    );
    await expect(readKubeconfig(write({ token: 'a' }), clock, 'broken')).rejects.toThrow('expected a cluster named nowhere');
    await expect(readKubeconfig(write({ token: 'a' }, { server: 'http://api' }), clock)).rejects.toThrow('expected an https address');
    await expect(readKubeconfig(write({ token: 'a' }, { 'insecure-skip-tls-verify': true }), clock)).rejects.toThrow(
      'certificates are always verified',
    );
    const { token } = await readKubeconfig(write({ exec: { command: 'false' } }), clock);
    await expect(token?.()).rejects.toThrow('`false` gave no token');
    const failing = await readKubeconfig(write({ exec: { command: 'sh', args: ['-c', 'echo log in first >&2; exit 1'] } }), clock);
    await expect(failing.token?.()).rejects.toThrow(/gave no token: log in first$/);
    const wordy = await readKubeconfig(write({ exec: { command: 'echo', args: ['{"status":{"tok":"hidden"}}'] } }), clock);
    await expect(wordy.token?.()).rejects.toThrow(/gave no token: expected an ExecCredential with status\.token$/);
  });
});
