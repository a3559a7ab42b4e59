import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import type { FalcoStandIn } from './falco-stand-in.ts';

const root = resolve(import.meta.dirname, '../..');

/** `tiercel follow` as a service manager runs it: without a terminal, ended by a signal. */
export class FollowRun {
  stderr = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown[]>;

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, [join(root, 'cli/main.ts'), 'follow', ...args], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
    this.#ended = once(this.#child, 'close');
  }

  /** Resolves to the exit code; `null` when the signal killed it. */
  async end(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal !== undefined) this.#child.kill(signal);
    const [code] = await this.#ended;
    return code as number | null;
  }
}

/** Waits until `condition` holds, at most `ms` milliseconds; resolves to whether it does. */
export async function eventually(condition: () => boolean, ms: number): Promise<boolean> {
  const endMs = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > endMs) return false;
    await new Promise((done) => setTimeout(done, 20));
  }
  return true;
}

/** The receiver goes away between two bodies: what it took it has answered, so that nothing is ambiguous. */
export async function leave(falco: FalcoStandIn): Promise<void> {
  falco.behave({ kind: 'reset-before-body' });
  await eventually(() => falco.inFlight === 0, 5000);
  await falco.refuse();
  falco.behave({ kind: 'accept' });
}

/** An audit event of some 600 bytes with `id` as its id. */
export function auditLine(id: number): string {
  const at = new Date(Date.UTC(2026, 10, 21) + id).toISOString();
  return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"id-${id}","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/prod/pods?limit=500","verb":"list","user":{"username":"system:serviceaccount:prod:controller","uid":"f95eb877-a056-424d-89a4-27b2ab04bae2","groups":["system:serviceaccounts","system:authenticated"]},"sourceIPs":["10.0.12.7"],"userAgent":"controller/v1.31","objectRef":{"resource":"pods","namespace":"prod","apiVersion":"v1"},"responseStatus":{"metadata":{},"code":200},"requestReceivedTimestamp":"${at}","stageTimestamp":"${at}","annotations":{"authorization.k8s.io/decision":"allow"}}`;
}

/** The ids in `events` with how often each came, and those of 0 … `count`-1 that did not. */
export function account(events: readonly string[], count: number): { missing: number; twice: number; strange: number } {
  const times = new Uint8Array(count);
  let strange = 0;
  for (const text of events) {
    const id = Number(/"auditID":"id-(\d+)"/.exec(text)?.[1] ?? -1);
    if (id >= 0 && id < count) times[id]!++;
    else strange++;
  }
  return { missing: times.filter((n) => n === 0).length, twice: times.filter((n) => n > 1).length, strange };
}
