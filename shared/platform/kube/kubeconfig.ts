import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { parseDocument } from 'yaml';
import * as z from 'zod';
import type { Clock } from '../clock.ts';
import { messageOf, TiercelError } from '../errors.ts';
import type { ClusterEndpoint } from './client.ts';

const text = z.string().min(1);
const refused = (why: string) => z.undefined(why).optional();
const exec = z.object({
  apiVersion: text.optional(),
  command: text,
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: text, value: z.string() })).nullish(),
});
/** What is in it otherwise is not looked at: an unusual cluster beside the one that is meant does no harm. */
const kubeconfig = z.object({
  'current-context': z.string().nullish(),
  contexts: z.array(z.object({ name: text, context: z.unknown() })),
  clusters: z.array(z.object({ name: text, cluster: z.unknown() })),
  users: z.array(z.object({ name: text, user: z.unknown() })),
});
const contextSchema = z.object({ cluster: text, user: text });
const clusterSchema = z.object({
  server: z.url({ protocol: /^https$/, error: 'expected an https address' }),
  'certificate-authority': text.optional(),
  'certificate-authority-data': text.optional(),
  'tls-server-name': text.optional(),
  'insecure-skip-tls-verify': z.literal(false, 'certificates are always verified').optional(),
  'proxy-url': refused('proxies are not supported'),
});
const IMPERSONATES = 'impersonation is not supported: without it, this would act with more rights than were meant';
const userSchema = z.object({
  token: text.optional(),
  tokenFile: text.optional(),
  'client-certificate': text.optional(),
  'client-certificate-data': text.optional(),
  'client-key': text.optional(),
  'client-key-data': text.optional(),
  exec: exec.optional(),
  as: refused(IMPERSONATES),
  'as-groups': refused(IMPERSONATES),
});

export class KubeconfigError extends TiercelError {
  constructor(path: string, why: string, cause?: unknown) {
    super('BAD_KUBECONFIG', `Kubeconfig ${path}: ${why}`, { cause });
  }
}

/**
 * Reads one context of a kubeconfig: certificates, tokens, token files and exec plugins such as `aws eks get-token`.
 * @param context name of the context; the current one when left out.
 * @throws KubeconfigError
 */
export async function readKubeconfig(path: string, clock: Clock, context?: string): Promise<ClusterEndpoint> {
  const folder = dirname(resolve(path));
  const read = async (file: string): Promise<string> => {
    try {
      return await readFile(resolve(folder, file), 'utf8');
    } catch (error) {
      throw new KubeconfigError(path, messageOf(error), error);
    }
  };
  const check = <T>(schema: z.ZodType<T>, value: unknown, at: string): T => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    const issues = parsed.error.issues.map((issue) => `${[at, ...issue.path].filter((part) => part !== '').join('.')}: ${issue.message}`);
    throw new KubeconfigError(path, issues.join('; '), parsed.error);
  };
  const config = check(kubeconfig, parseYaml(path, await read(resolve(path))), '');
  const find = <T extends { name: string }>(kind: string, items: readonly T[], name: string | null | undefined): T => {
    const found = items.find((item) => item.name === name);
    if (!found)
      throw new KubeconfigError(
        path,
        `expected a ${kind} named ${name || '(none is set)'}, there are ${items.map((item) => item.name).join(', ') || 'none'}`,
      );
    return found;
  };
  const { name, context: found } = find('context', config.contexts, context ?? config['current-context']);
  const chosen = check(contextSchema, found, `context ${name}`);
  const cluster = check(clusterSchema, find('cluster', config.clusters, chosen.cluster).cluster, `cluster ${chosen.cluster}`);
  const user = check(userSchema, find('user', config.users, chosen.user).user ?? {}, `user ${chosen.user}`);
  const pem = async (data: string | undefined, file: string | undefined): Promise<string | undefined> => {
    if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
    return file === undefined ? undefined : read(file);
  };
  const [caPem, clientCertPem, clientKeyPem] = await Promise.all([
    pem(cluster['certificate-authority-data'], cluster['certificate-authority']),
    pem(user['client-certificate-data'], user['client-certificate']),
    pem(user['client-key-data'], user['client-key']),
  ]);
  const token = tokenOf(path, user, read, clock);
  return {
    server: cluster.server,
    ...(caPem === undefined ? {} : { caPem }),
    ...(cluster['tls-server-name'] === undefined ? {} : { tlsServerName: cluster['tls-server-name'] }),
    ...(clientCertPem === undefined ? {} : { clientCertPem }),
    ...(clientKeyPem === undefined ? {} : { clientKeyPem }),
    ...(token === undefined ? {} : { token }),
  };
}

/** The parser's own words quote the text, which holds secrets: only the place is passed on. */
function parseYaml(path: string, text: string): unknown {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) throw new KubeconfigError(path, `expected YAML, line ${error.linePos?.[0].line ?? 1} is not (${error.code})`);
  return document.toJS();
}

type User = z.output<typeof userSchema>;

function tokenOf(
  path: string,
  { token, tokenFile, exec: plugin }: User,
  read: (file: string) => Promise<string>,
  clock: Clock,
): ClusterEndpoint['token'] {
  if (token !== undefined) return async () => token;
  if (tokenFile !== undefined) return async () => (await read(tokenFile)).trim();
  return plugin && execToken(path, plugin, clock);
}

interface Credential {
  readonly token: string;
  readonly untilMs: number;
}

/** client.authentication.k8s.io ExecCredential: the plugin prints a token and, mostly, until when it is good. Asked once at a time. */
function execToken(path: string, plugin: z.output<typeof exec>, clock: Clock): NonNullable<ClusterEndpoint['token']> {
  let held: Promise<Credential> | undefined;
  return async (refused) => {
    const before = held;
    const known = await before;
    if (known && known.untilMs > clock.now() && known.token !== refused) return known.token;
    if (held === before) {
      const asking = askPlugin(path, plugin);
      held = asking;
      asking.catch(() => {
        if (held === asking) held = undefined;
      });
    }
    return (await held!).token;
  };
}

const credential = z.object({ status: z.object({ token: text, expirationTimestamp: z.string().optional() }) });

async function askPlugin(path: string, { apiVersion, command, args, env }: z.output<typeof exec>): Promise<Credential> {
  try {
    // Through env(1), so that the plugin has the operator's own environment (PATH, HOME, AWS_PROFILE) and the settings on top.
    const info = JSON.stringify({ apiVersion, kind: 'ExecCredential', spec: { interactive: false } });
    const settings = [...(env ?? []), { name: 'KUBERNETES_EXEC_INFO', value: info }].map(({ name, value }) => `${name}=${value}`);
    const { stdout } = await promisify(execFile)('env', [...settings, command, ...(args ?? [])], { maxBuffer: 1024 * 1024 });
    const { token, expirationTimestamp } = credential.parse(JSON.parse(stdout)).status;
    // One that does not say when it ends is good until the server refuses it.
    return { token, untilMs: expirationTimestamp === undefined ? Number.POSITIVE_INFINITY : Date.parse(expirationTimestamp) - 60_000 };
  } catch (error) {
    // The parser's own words quote what the command printed, which may be a token.
    if (error instanceof SyntaxError) throw new KubeconfigError(path, `\`${command}\` gave no token: what it printed is not JSON`);
    if (error instanceof z.ZodError)
      throw new KubeconfigError(path, `\`${command}\` gave no token: expected an ExecCredential with status.token`);
    // Node's own words are the whole command line; what the plugin said is shorter and says why.
    const { stderr = '' } = error as { stderr?: string };
    throw new KubeconfigError(path, `\`${command}\` gave no token: ${stderr.trim().slice(0, 500) || messageOf(error)}`, error);
  }
}
