import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { macKeysOf } from '../../shared/flows/mac-keys.ts';
import { type ItemOutcome, type RespondDeps, respondToAlerts } from '../../shared/flows/respond.ts';
import { respondInMemory } from '../../shared/flows/respond-in-memory.ts';
import { createRotatingSecret } from '../../shared/platform/aws/rotating-secret.ts';
import { systemClock } from '../../shared/platform/clock.ts';
import { messageOf } from '../../shared/platform/errors.ts';
import { readKubeconfig } from '../../shared/platform/kube/index.ts';
import { describeEffect, type Entry, type PolicySet, readTrigger } from '../../shared/respond/index.ts';
import { type Out, paletteFor, visible } from '../print/terminal.ts';
import { given, UnreadableFile, UsageError } from '../usage.ts';
import { openCluster, operatorDeps } from './cluster.ts';
import { OWN_POLICIES, openPolicies } from './policies.ts';
import { ResponseSummary } from './summary.ts';

export interface RespondOptions {
  readonly policy?: readonly string[];
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly table?: string;
  readonly macKeySecret?: string;
  /** Folder where evidence is kept. */
  readonly evidence?: string;
  readonly json?: boolean;
  readonly enforce?: boolean;
  /** Counts by rule instead of every response. */
  readonly summary?: boolean;
}

export interface RespondStreams {
  readonly out: Out;
  readonly stdin: Readable;
}

/** Nobody kills a command; this is how long its claims hold. */
const LEASE_MS = 60_000;

/** Prints what respond would do about alerts, one JSON document per line (`-`: standard input, `.gz` is unpacked). Resolves to whether all could be read. */
export async function planResponses(paths: readonly string[], options: RespondOptions, { out, stdin }: RespondStreams): Promise<boolean> {
  const set = await openPolicies(options.policy ?? OWN_POLICIES);
  const client = options.kubeconfig === undefined ? undefined : await openCluster(options.kubeconfig, options.context);
  const summary = new ResponseSummary();
  let wellRead = true;
  try {
    for await (const line of alertDocuments(paths, stdin)) {
      const outcome = await answer(line, planningDeps(set, line, client));
      if (outcome.kind === 'answered') summary.count(visible(outcome.entries));
      if (!options.summary || outcome.kind !== 'answered') print(outcome, options, out);
      wellRead &&= outcome.kind !== 'rejected' && outcome.kind !== 'failed';
    }
  } finally {
    client?.close();
  }
  if (options.summary) out.write(`${summary.table()}\n`);
  if (!options.json) out.write(summary.total());
  return wellRead;
}

/**
 * Carries responses out, with the rights of whoever runs the command. Alerts must be fresh and signed as for the function.
 * @param confirm is asked before anything happens, in words that say where and by which policies.
 */
export async function enforceResponses(
  paths: readonly string[],
  options: RespondOptions,
  { out, stdin }: RespondStreams,
  confirm: (question: string) => Promise<boolean>,
): Promise<boolean> {
  const { kubeconfig, table, macKeySecret } = options;
  if (kubeconfig === undefined || table === undefined || macKeySecret === undefined) {
    throw new UsageError(
      'BAD_ARGUMENT',
      'Acting needs --kubeconfig (where), --table (a journal, so that it can be undone) and --mac-key-secret (which alerts to believe).',
    );
  }
  const set = await openPolicies(options.policy ?? OWN_POLICIES);
  const acting = set.policies.filter(({ mode }) => mode === 'enforce').map(({ policy }) => policy);
  if (acting.length === 0)
    throw new UsageError('BAD_ARGUMENT', 'No policy has `mode: enforce`, so nothing would be done. Set it in those that are to act.');
  const lines: string[] = [];
  for await (const line of alertDocuments(paths, stdin)) lines.push(line);
  const { server } = await given(() => readKubeconfig(kubeconfig, systemClock, options.context));
  const alerts = `${lines.length} alert${lines.length === 1 ? '' : 's'}`;
  if (!(await confirm(`Act on ${alerts} in the cluster at ${server}, by ${acting.join(', ')}?`))) return false;
  const client = await openCluster(kubeconfig, options.context);
  try {
    const macKeys = macKeysOf(await createRotatingSecret(new SecretsManagerClient({}), macKeySecret, systemClock)());
    const deps = { ...(await operatorDeps(set, client, { tableName: table }, { evidenceFolder: options.evidence })), macKeys };
    let wellDone = true;
    for (const line of lines) {
      const outcome = await answer(line, deps);
      print(outcome, options, out);
      wellDone &&= outcome.kind === 'answered' || outcome.kind === 'own';
    }
    return wellDone;
  } finally {
    client.close();
  }
}

/** Shadow, as if the alert had just come: a recording is never fresh. */
function planningDeps(set: PolicySet, line: string, client: Awaited<ReturnType<typeof openCluster>> | undefined): RespondDeps {
  const timeMs = Date.parse(timeOf(line));
  const clock = { ...systemClock, now: () => (Number.isFinite(timeMs) ? timeMs + 1_000 : Date.now()) };
  return respondInMemory(set, clock, client ? { clusters: { clientFor: async () => ({ client }) } } : {});
}

/** What cannot be read will be said when the alert is. */
function timeOf(line: string): string {
  try {
    return String((JSON.parse(line) as { readonly time?: unknown } | null)?.time);
  } catch {
    return '';
  }
}

async function answer(line: string, deps: RespondDeps): Promise<ItemOutcome> {
  const items = readTrigger({ Records: [{ eventSource: 'aws:sqs', messageId: 'line', body: line }] });
  const [outcome] = await respondToAlerts(items, deps, { killedAtMs: deps.clock.now() + LEASE_MS });
  return outcome!;
}

/** Documents of one line each, and those that begin with `{` and end with `}` on lines of their own, as jq and editors lay them out. */
async function* alertDocuments(paths: readonly string[], stdin: Readable): AsyncGenerator<string> {
  let open: string[] | undefined;
  for await (const line of alertLines(paths, stdin)) {
    const text = line.trimEnd();
    if (open === undefined && text !== '{') yield line;
    else if (open !== undefined && text === '}') {
      yield [...open, line].join('\n');
      open = undefined;
    } else open = [...(open ?? []), line];
  }
  if (open !== undefined) yield open.join('\n');
}

async function* alertLines(paths: readonly string[], stdin: Readable): AsyncGenerator<string> {
  for (const path of paths) {
    const file = path === '-' ? stdin : createReadStream(path);
    const text = path.endsWith('.gz') ? file.compose(createGunzip()) : file;
    const decoder = new StringDecoder('utf8');
    let rest = '';
    try {
      for await (const chunk of text) {
        const lines = (rest + decoder.write(chunk as Buffer)).split('\n');
        rest = lines.pop() ?? '';
        yield* lines.filter((line) => line.trim() !== '');
      }
    } catch (error) {
      throw new UnreadableFile(path, error);
    }
    if (rest.trim() !== '') yield rest;
  }
}

function print(outcome: ItemOutcome, options: RespondOptions, out: Out): void {
  const { json } = options;
  if (outcome.kind === 'answered') {
    for (const entry of outcome.entries)
      out.write(
        json
          ? `${JSON.stringify(entry)}
`
          : describe(visible(entry), options, paletteFor(out)),
      );
    return;
  }
  const why = reasonOf(outcome);
  out.write(json ? `${JSON.stringify({ kind: outcome.kind, why })}\n` : `${outcome.kind} ${visible(why)}\n`);
}

function reasonOf(outcome: Exclude<ItemOutcome, { kind: 'answered' }>): string {
  if (outcome.kind === 'failed') return messageOf(outcome.error);
  if (outcome.kind === 'impostor') return outcome.why;
  if (outcome.kind === 'own') return 'the call was ours';
  if (outcome.kind === 'heartbeat') return outcome.answer.kind === 'set-aside' ? outcome.answer.why : 'it came back';
  return outcome.item.reason;
}

/** What a command on a laptop never knows; a cluster that it was given and that does not answer is another matter. */
const NEVER_KNOWN: ReadonlySet<string> = new Set(['not-ours', 'signed', 'within-budget']);

function describe(entry: Entry, { kubeconfig, enforce }: RespondOptions, paint: ReturnType<typeof paletteFor>): string {
  const { id, status, policy, intent, cluster, rules, guards, steps, caveats, remark } = entry;
  const colour = status === 'planned' || status === 'done' ? paint.green : paint.yellow;
  const against = guards.filter(
    ({ guard, verdict }) => verdict === 'refuse' || (verdict === 'unknown' && kubeconfig !== undefined && !NEVER_KNOWN.has(guard)),
  );
  const lines = [
    `policy ${policy}, rule ${rules.join(', ')}`,
    ...against.map(({ guard, verdict, reason }) => `${guard}${verdict === 'unknown' ? ' is not known' : ''}: ${reason}`),
    ...steps.map(({ effect, state }) => `${state}: ${describeEffect(effect)}`),
    ...caveats.map((caveat) => `note: ${caveat}`),
    ...(remark === undefined ? [] : [remark]),
    ...(enforce ? [id] : []),
  ];
  return `${colour(status.padEnd(9))} ${intent}${cluster === undefined ? '' : ` in ${cluster}`}\n${lines.map((line) => `          ${line}\n`).join('')}`;
}
