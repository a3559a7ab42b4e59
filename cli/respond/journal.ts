import { userInfo } from 'node:os';
import { respondToCommand } from '../../shared/flows/respond.ts';
import { systemClock, systemRandom } from '../../shared/platform/clock.ts';
import { messageOf, TiercelError } from '../../shared/platform/errors.ts';
import {
  type Command,
  createOutbox,
  describeEffect,
  type Entry,
  type Journal,
  type Mode,
  type ModeSwitch,
  undo,
} from '../../shared/respond/index.ts';
import { table } from '../print/table.ts';
import { type Out, visible } from '../print/terminal.ts';
import { UsageError } from '../usage.ts';
import { type JournalTable, openCluster, operatorDeps, tellingFrom } from './cluster.ts';
import { openPolicies } from './policies.ts';

/** How long the claim of a command holds, milliseconds. */
const LEASE_MS = 60_000;

async function entryOf(journal: Journal, id: string): Promise<Entry> {
  const entry = await journal.find(id);
  if (!entry)
    throw new UsageError('NO_SUCH_RESPONSE', `The journal has no response ${id}. \`tiercel journal list\` shows those of the last day.`);
  return entry;
}

export async function listJournal(
  journal: Journal,
  options: { readonly hours: number; readonly limit: number; readonly json?: boolean },
  out: Out,
): Promise<void> {
  const toMs = systemClock.now() + 1_000;
  const found = await journal.list({ fromMs: toMs - options.hours * 3_600_000, toMs, limit: options.limit });
  if (options.json) for (const summary of found) out.write(`${JSON.stringify(summary)}\n`);
  else if (found.length === 0) out.write(`no response in the last ${options.hours} h\n`);
  else
    out.write(
      table(
        visible(found).map(({ id, createdAtMs, status, policy, cluster, intent }) => [
          new Date(createdAtMs).toISOString(),
          status,
          policy,
          cluster ?? '',
          intent,
          id,
        ]),
      ),
    );
}

export async function showEntry(journal: Journal, id: string, options: { readonly json?: boolean }, out: Out): Promise<void> {
  const entry = await entryOf(journal, id);
  if (options.json) {
    out.write(`${JSON.stringify(entry, undefined, 2)}\n`);
    return;
  }
  const { guards, steps, caveats, notices = [], ...shown } = visible(entry);
  const facts = {
    status: shown.status,
    mode: shown.mode,
    policy: shown.policy,
    action: shown.action,
    intent: shown.intent,
    cluster: shown.cluster,
    server: shown.server,
    user: shown.user,
    rules: shown.rules.join(', '),
    decided: new Date(shown.createdAtMs).toISOString(),
    changed: new Date(shown.updatedAtMs).toISOString(),
    attempts: shown.attempt,
    remark: shown.remark,
  };
  out.write(table(Object.entries(facts).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))));
  out.write(
    `\nguards\n${table(
      guards.map(({ guard, verdict, reason }) => [verdict, guard, reason]),
      { indent: 2 },
    )}`,
  );
  if (steps.length > 0)
    out.write(
      `\nsteps\n${table(
        steps.map(({ state, effect, note }) => [state, describeEffect(effect), note ?? '']),
        { indent: 2 },
      )}`,
    );
  if (notices.length > 0)
    out.write(
      `\ntold\n${table(
        notices.map(({ state, channel, about, why }) => [state, channel, about, why ?? '']),
        { indent: 2 },
      )}`,
    );
  for (const caveat of caveats) out.write(`\nnote: ${caveat}\n`);
}

export async function undoResponse(
  journal: Journal,
  id: string,
  options: {
    readonly stage?: string;
    readonly kubeconfig: string;
    readonly context?: string;
    readonly force?: boolean;
    readonly otherServer?: boolean;
  },
  out: Out,
): Promise<void> {
  const entry = await entryOf(journal, id);
  const client = await openCluster(options.kubeconfig, options.context);
  try {
    const telling = { ...tellingFrom(options.stage), clock: systemClock, random: systemRandom, journal };
    const outbox = createOutbox(telling, systemClock.now() + LEASE_MS);
    const request = { by: userInfo().username, force: options.force === true, otherServer: options.otherServer === true };
    const undone = await undo(entry, request, { clock: systemClock, journal: outbox.journal, client });
    for (const { effect, note } of undone.steps) out.write(`${describeEffect(effect)}: ${note ?? 'nothing to do'}\n`);
    await outbox.deliver([undone]).catch((error) => out.write(`${messageOf(error)}\n`));
  } finally {
    client.close();
  }
}

/**
 * Says yes or no to a response that asks. Yes carries it out at once, with the rights of whoever says it; no takes no cluster.
 * Resolves to whether the answer had its effect.
 */
export async function decideResponse(
  verb: Extract<Command['verb'], 'approve' | 'deny'>,
  id: string,
  options: {
    readonly stage?: string;
    readonly table: JournalTable;
    readonly policies: readonly string[];
    readonly kubeconfig?: string;
    readonly context?: string;
  },
  out: Out,
): Promise<boolean> {
  const client = options.kubeconfig === undefined ? undefined : await openCluster(options.kubeconfig, options.context);
  try {
    const deps = await operatorDeps(await openPolicies(options.policies), client, options.table, { stage: options.stage });
    const killedAtMs = systemClock.now() + LEASE_MS;
    const { status, remark } = await respondToCommand({ verb, id, by: userInfo().username }, deps, { killedAtMs }).catch((error) => {
      // The response is settled; only somebody could not be told of it.
      if (!(error instanceof TiercelError) || error.code !== 'NOTICES_DUE') throw error;
      out.write(`${error.message}\n`);
      return entryOf(deps.journal, id);
    });
    out.write(`${status}${remark === undefined ? '' : `: ${remark}`}\n`);
    return verb === 'deny' || status === 'done';
  } finally {
    client?.close();
  }
}

/** Turns the run-time switch, or says how it stands. */
export async function turnMode(
  modeSwitch: ModeSwitch,
  mode: Mode | undefined,
  { why, json }: { readonly why?: string; readonly json?: boolean },
  out: Out,
): Promise<void> {
  if (mode !== undefined)
    await modeSwitch.turn({ mode, why: why ?? '', by: userInfo().username, at: new Date(systemClock.now()).toISOString() });
  const now = await modeSwitch.read();
  if (json) out.write(`${JSON.stringify({ turned: now ?? null })}\n`);
  else if (!now) out.write('nobody has turned the switch: the mode is what the deployment says\n');
  else out.write(`at most ${now.mode}, turned by ${now.by} at ${now.at}${now.why === '' ? '' : `: ${now.why}`}\n`);
}
