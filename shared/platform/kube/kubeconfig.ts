import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import * as z from 'zod';
import type { Clock } from '../clock.ts';
import { messageOf, TiercelError } from '../errors.ts';
import type { ClusterEndpoint } from './client.ts';

const text = z.string().min(1);
const exec = z.object({
  command: text,
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: text, value: z.string() })).nullish(),
});
const kubeconfig = z.object({
  'current-context': text.optional(),
  contexts: z.array(z.object({ name: text, context: z.object({ cluster: text, user: text }) })),
  clusters: z.array(
    z.object({
      name: text,
      cluster: z.object({
        server: z.url({ protocol: /^https$/, error: 'expected an https address' }),
        'certificate-authority': text.optional(),
        'certificate-authority-data': text.optional(),
        'tls-server-name': text.optional(),
        'insecure-skip-tls-verify': z.literal(false, 'certificates are always verified').optional(),
      }),
    }),
  ),
  users: z.array(
    z.object({
      name: text,
      user: z.object({
        token: text.optional(),
        tokenFile: text.optional(),
        'client-certificate': text.optional(),
        'client-certificate-data': text.optional(),
        'client-key': text.optional(),
        'client-key-data': text.optional(),
        exec: exec.optional(),
      }),
    }),
  ),
});

export class KubeconfigError extends TiercelError {
  constructor(path: string, why: string, cause?: unknown) {
    super('kube.kubeconfig', `Kubeconfig ${path}: ${why}`, { cause });
  }
}

/**
 * Reads one context of a kubeconfig: certificates, tokens, token files and exec plugins such as `aws eks get-token`.
 * @param context name of the context; the current one when left out.
 * @throws KubeconfigError
 */
export async function readKubeconfig(path: string, clock: Clock, context?: string): Promise<ClusterEndpoint> {
  const folder = dirname(resolve(path));
  let config: z.output<typeof kubeconfig>;
  try {
    config = kubeconfig.parse(parse(await readFile(path, 'utf8')));
  } catch (error) {
    const why =
      error instanceof z.ZodError ? error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ') : messageOf(error);
    throw new KubeconfigError(path, why, error);
  }
  const find = <T extends { name: string }>(kind: string, items: readonly T[], name: string | undefined): T => {
    const found = items.find((item) => item.name === name);
    if (!found)
      throw new KubeconfigError(
        path,
        `expected a ${kind} named ${name ?? '(none is set)'}, there are ${items.map((item) => item.name).join(', ') || 'none'}`,
      );
    return found;
  };
  const chosen = find('context', config.contexts, context ?? config['current-context']).context;
  const { cluster } = find('cluster', config.clusters, chosen.cluster);
  const { user } = find('user', config.users, chosen.user);
  const pem = async (data: string | undefined, file: string | undefined): Promise<string | undefined> => {
    if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
    return file === undefined ? undefined : readFile(resolve(folder, file), 'utf8');
  };
  const [caPem, clientCertPem, clientKeyPem] = await Promise.all([
    pem(cluster['certificate-authority-data'], cluster['certificate-authority']),
    pem(user['client-certificate-data'], user['client-certificate']),
    pem(user['client-key-data'], user['client-key']),
  ]);
  const token = tokenOf(path, user, folder, clock);
  return {
    server: cluster.server,
    ...(caPem === undefined ? {} : { caPem }),
    ...(cluster['tls-server-name'] === undefined ? {} : { tlsServerName: cluster['tls-server-name'] }),
    ...(clientCertPem === undefined ? {} : { clientCertPem }),
    ...(clientKeyPem === undefined ? {} : { clientKeyPem }),
    ...(token === undefined ? {} : { token }),
  };
}

type User = z.output<typeof kubeconfig>['users'][number]['user'];

function tokenOf(path: string, user: User, folder: string, clock: Clock): (() => Promise<string>) | undefined {
  if (user.token !== undefined) return async () => user.token!;
  if (user.tokenFile !== undefined) return async () => (await readFile(resolve(folder, user.tokenFile!), 'utf8')).trim();
  return user.exec && execToken(path, user.exec, clock);
}

/** client.authentication.k8s.io ExecCredential: the plugin prints a token and, mostly, until when it is good. */
function execToken(path: string, { command, args, env }: z.output<typeof exec>, clock: Clock): () => Promise<string> {
  const credential = z.object({ status: z.object({ token: text, expirationTimestamp: z.string().optional() }) });
  let held: { readonly token: string; readonly untilMs: number } | undefined;
  return async () => {
    if (held && held.untilMs > clock.now()) return held.token;
    try {
      // Through env(1), so that the plugin has the operator's own environment (PATH, HOME, AWS_PROFILE) and the settings on top.
      const settings = (env ?? []).map(({ name, value }) => `${name}=${value}`);
      const { stdout } = await promisify(execFile)('env', [...settings, command, ...(args ?? [])], { maxBuffer: 1024 * 1024 });
      const { token, expirationTimestamp } = credential.parse(JSON.parse(stdout)).status;
      held = { token, untilMs: expirationTimestamp === undefined ? 0 : Date.parse(expirationTimestamp) - 60_000 };
      return token;
    } catch (error) {
      // The parser's own words quote what the command printed, which may be a token.
      if (error instanceof SyntaxError) throw new KubeconfigError(path, `\`${command}\` gave no token: what it printed is not JSON`);
      throw new KubeconfigError(path, `\`${command}\` gave no token: ${messageOf(error)}`, error);
    }
  };
}
