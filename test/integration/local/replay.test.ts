import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestAuthority } from '../../support/certificates.ts';
import { FalcoStandIn } from '../../support/falco-stand-in.ts';

const root = resolve(import.meta.dirname, '../../..');
const recorded = resolve(root, '../shared/audit/eks.ndjson.gz');
const folder = mkdtempSync(join(tmpdir(), 'replay-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Events of the test's own, in the shapes that matter to stamping: with annotations, without, with blanks and escapes, large. */
function ownEvents(count: number): string[] {
  return Array.from({ length: count }, (_, n) => {
    const annotations = n % 3 === 0 ? '' : n % 3 === 1 ? ',"annotations":{}' : ',"annotations": {"authorization.k8s.io/decision": "allow"}';
    const more = n % 7 === 0 ? `,"requestObject":{"x":"${'é\\u0000\\"'.repeat(n * 10)}", "n": 1e2}` : '';
    const at = new Date(Date.UTC(2026, 0, 2) + n).toISOString();
    return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"id-${n}","stage":"ResponseComplete","requestURI":"/api/v1/pods","verb":"list","user":{"username":"u"}${more},"requestReceivedTimestamp":"${at}","stageTimestamp":"${at}"${annotations}}`;
  });
}

function write(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** What `--cluster` adds, taken away again. */
function withoutStamp(text: string, cluster: string): string {
  const stamp = `"cluster_name":${JSON.stringify(cluster)}`;
  for (const added of [`,"annotations":{${stamp}}`, `${stamp},`, stamp]) if (text.includes(added)) return text.replace(added, '');
  return `not stamped: ${text}`;
}

/** An event without annotations and one with none in them are the same once the stamp is taken away. */
const bare = (text: string) => text.replace(',"annotations":{}', '');

/** The same texts equally often, in any order. Says which are not, in few words. */
function expectSame(actual: readonly string[], expected: readonly string[]): void {
  const count = (texts: readonly string[]) => Map.groupBy(texts, bare);
  const [got, wanted] = [count(actual), count(expected)];
  const wrong = [...new Set([...got.keys(), ...wanted.keys()])].filter((text) => got.get(text)?.length !== wanted.get(text)?.length);
  expect(wrong.slice(0, 3).map((text) => `${got.get(text)?.length ?? 0} times: ${text.slice(0, 300)} … ${text.slice(-300)}`)).toEqual([]);
}

const withoutAttempt = (text: string) => text.replace(/"tiercel\.dev\/attempt":"\d+",?/, '');

interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as a person runs it, without a terminal. */
function tiercel(args: readonly string[], stdin?: Buffer): Promise<Run> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [join(root, 'cli/main.ts'), ...args], { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('error', fail);
    child.on('close', (code) => done({ code, stdout, stderr }));
    child.stdin.on('error', () => {});
    child.stdin.end(stdin);
  });
}

let falco: FalcoStandIn;
beforeEach(async () => {
  falco = await FalcoStandIn.start();
});
afterEach(() => falco.stop());

const inputs: readonly { readonly name: string; readonly lines: () => string[]; readonly path: () => string }[] = [
  {
    name: 'own events',
    lines: () => ownEvents(400),
    path: () => write('own.ndjson', `${ownEvents(400).join('\n')}\n`),
  },
  {
    name: 'recorded events',
    lines: () =>
      gunzipSync(readFileSync(recorded))
        .toString()
        .split('\n')
        .filter((line) => line !== ''),
    path: () => recorded,
  },
].filter(({ name }) => name !== 'recorded events' || existsSync(recorded));

describe.each(inputs)('$name', ({ name, lines, path }) => {
  const originals = lines();
  if (name === 'recorded events') it('are 6,482', () => expect(originals).toHaveLength(6482));

  it('arrive each exactly once, equal in raw text but for the stamp, in EventLists under the limits', async () => {
    const { code, stdout, stderr } = await tiercel(['replay', '--to', falco.url, '--cluster', 'demo "1"', '--json', path()]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const count = originals.length;
    expect(JSON.parse(stdout)).toMatchObject({
      events: count,
      delivered: count,
      resent: { bodies: 0, events: 0 },
      rejected: {},
      undelivered: {},
      complete: true,
      accountedFor: true,
    });
    expect(falco.dropped).toEqual([]);
    expectSame(
      falco.events.map((text) => withoutStamp(text, 'demo "1"')),
      originals,
    );
    for (const { bytes, form, events } of falco.bodies) {
      expect(form).toBe('EventList');
      expect(bytes.byteLength).toBeLessThanOrEqual(1_048_576);
      expect(events).toBeLessThanOrEqual(1000);
    }
  });

  it('survive a receiver that is killed on the way and comes back: none lost, duplicates only in flight, marked and counted', async () => {
    falco.behave({ kind: 'slow', ms: 10 });
    const concurrency = 3;
    const args = ['--max-body-bytes', '65536', '--max-body-events', '40', '--concurrency', String(concurrency), '--json'];
    const running = tiercel(['replay', '--to', falco.url, ...args, path()]);
    while (falco.taken.bodies < 5) await new Promise((wake) => setTimeout(wake, 1));
    await falco.refuse();
    await new Promise((wake) => setTimeout(wake, 400));
    await falco.listen();
    const { code, stdout } = await running;
    expect(code).toBe(0);
    const summary = JSON.parse(stdout) as { delivered: number; resent: { bodies: number; events: number } };
    expect(summary.delivered).toBe(originals.length);

    expectSame([...new Set(falco.events.map((text) => bare(withoutAttempt(text))))], originals);
    const again = falco.events.filter((text) => text.includes('"tiercel.dev/attempt":"'));
    const duplicates = falco.events.length - originals.length;
    expect(duplicates).toBeGreaterThan(0);
    expect(duplicates).toBeLessThanOrEqual(again.length);
    expect(again.length).toBe(summary.resent.events);
    expect(summary.resent.bodies).toBeLessThanOrEqual(concurrency);
  });
});

describe('the command', () => {
  const three = ownEvents(3);

  it('reads standard input, prints a summary for people without colour, and keeps standard error quiet', async () => {
    const { code, stdout, stderr } = await tiercel(['replay', '--to', falco.url, '-'], gzipSync(three.join('\n')));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Every event is accounted for\.\n {2}events read {2}3\n {2}delivered {4}3 {2}to http/);
    expect(falco.events.sort()).toEqual(three);
  });

  it('takes the cluster from the log group of an envelope, leaves other streams out', async () => {
    const envelope = (logStream: string, messages: readonly string[]) =>
      JSON.stringify({
        messageType: 'DATA_MESSAGE',
        owner: '111122223333',
        logGroup: '/aws/eks/blue/cluster',
        logStream,
        subscriptionFilters: ['all'],
        logEvents: messages.map((message, n) => ({ id: String(n).padStart(56, '3'), timestamp: 1_767_323_045_000, message })),
      });
    const audit = gzipSync(envelope(`kube-apiserver-audit-${'0'.repeat(32)}`, three));
    const other = gzipSync(envelope(`kube-scheduler-${'0'.repeat(32)}`, ['I0102 leader election']));
    const path = write('firehose', Buffer.concat([audit, other]));
    const { code, stdout } = await tiercel(['replay', '--to', falco.url, '--json', path]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ delivered: 3, skipped: { 'other-stream': 1 } });
    expect(
      falco.events.every((text) => text.includes('"cluster_name":"blue"') && text.includes('"tiercel.dev/account":"111122223333"')),
    ).toBe(true);
  });

  it('names what it cannot read by file and line, and delivers the rest', async () => {
    const path = write('broken.ndjson', [three[0], '{"kind":"Event","auditID":', three[1], '{"kind":"Event"}', three[2], ''].join('\n'));
    const { stdout } = await tiercel(['replay', '--to', falco.url, path]);
    expect(stdout).toContain(`${path}:2`);
    expect(stdout).toContain(`${path}:4`);
    expect(falco.events.sort()).toEqual(three);
  });

  it('is not content with a file that was cut off', async () => {
    const whole = gzipSync(ownEvents(200).join('\n'));
    const path = write('cut.gz', whole.subarray(0, whole.length - 100));
    const { code, stdout } = await tiercel(['replay', '--to', falco.url, path]);
    expect(code).toBe(1);
    expect(stdout).toContain('Not every event is accounted for.');
    expect(falco.events.length).toBeGreaterThan(0);
  });

  it('says what is wrong with the address', async () => {
    const { code, stdout } = await tiercel(
      ['replay', '--to', falco.url.replace('k8s-audit', 'k8s_audit'), '-'],
      Buffer.from(three.join('\n')),
    );
    expect(code).toBe(1);
    expect(stdout).toContain('configuration error');
    expect(stdout).toContain('the path is wrong');
  });

  it('gives up on a receiver that stays away', async () => {
    await falco.refuse();
    const { code, stdout } = await tiercel(['replay', '--to', falco.url, '--give-up-after', '1', '-'], Buffer.from(three.join('\n')));
    expect(code).toBe(1);
    expect(stdout).toMatch(/undelivered {2}3 {2}gave up after 1 s: .*ECONNREFUSED/);
  });

  it.each([
    [[], "missing required argument 'files'"],
    [['--to', 'falco', '-'], 'expected a URL such as'],
    [['--to', 'http://127.0.0.1:1/k8s-audit', 'no-such-file', folder], 'is a directory'],
    [['--to', 'http://127.0.0.1:1/k8s-audit', '--concurrency', 'many', '-'], 'Expected a whole number'],
    [['--to', 'https://127.0.0.1:1/k8s-audit', '--ca', 'no-such-file', '-'], 'cannot read no-such-file: no such file or directory'],
  ])('refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await tiercel(['replay', ...(args.length > 0 ? args : ['--to', 'http://127.0.0.1:1/k8s-audit'])]);
    expect(code).toBe(64);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
  });

  it('speaks TLS with a client certificate', async () => {
    const authority = new TestAuthority();
    const client = authority.issue('tiercel');
    const secure = await FalcoStandIn.start({ tls: { ...authority.issue('falco'), clientCa: authority.cert } });
    const pem = ['--ca', write('ca.pem', authority.cert), '--cert', write('cert.pem', client.cert), '--key', write('key.pem', client.key)];
    const { code } = await tiercel(['replay', '--to', secure.url, ...pem, '-'], Buffer.from(three.join('\n')));
    expect(code).toBe(0);
    expect(secure.events.sort()).toEqual(three);
    await secure.stop();
  });
});
