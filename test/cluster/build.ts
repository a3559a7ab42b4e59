import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Kubernetes release that go.mod pins; EKS runs the same code. */
const KUBERNETES_VERSION = 'v1.34.4';
const BINARIES = ['kube-apiserver', 'etcd'] as const;

export type Binary = (typeof BINARIES)[number];

/** Where the binaries of this very source lie: outside the tree, one folder per version, so that a second build is none. */
function cacheFolder(): string {
  const sources = ['go.mod', 'go.sum', ...BINARIES.map((name) => `cmd/${name}/main.go`)];
  const digest = createHash('sha256');
  for (const source of sources) digest.update(readFileSync(join(import.meta.dirname, source)));
  const base = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return join(base, 'tiercel', 'cluster', `${KUBERNETES_VERSION}-${digest.digest('hex').slice(0, 12)}`);
}

/**
 * Builds kube-apiserver and etcd (3–7 minutes of two cores the first time) and resolves to their paths.
 * @throws when there is no Go or the build fails; the message is Go's own.
 */
export async function buildCluster(): Promise<Readonly<Record<Binary, string>>> {
  const folder = cacheFolder();
  mkdirSync(folder, { recursive: true });
  const version = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
    .map((path) => `-X ${path}.gitVersion=${KUBERNETES_VERSION}`)
    .join(' ');
  for (const name of BINARIES) {
    const path = join(folder, name);
    if (existsSync(path)) continue;
    // Built beside and renamed: a build that was stopped leaves nothing that looks finished.
    const unfinished = `${path}.${process.pid}`;
    await promisify(execFile)('go', ['build', '-trimpath', '-ldflags', `-s -w ${version}`, '-o', unfinished, `./cmd/${name}`], {
      cwd: import.meta.dirname,
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' },
      maxBuffer: 64 * 1024 * 1024,
    });
    renameSync(unfinished, path);
  }
  return Object.fromEntries(BINARIES.map((name) => [name, join(folder, name)])) as Record<Binary, string>;
}

if (import.meta.main) console.log(JSON.stringify(await buildCluster(), undefined, 2));
