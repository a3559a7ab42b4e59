import { describeObject } from '../../platform/kube/index.ts';
import { changesCluster } from '../action/effect.ts';
import { fieldText } from '../fields.ts';
import type { Entry, Status } from '../journal/journal.ts';
import { type Notice, noticeId } from './notice.ts';

/** What a channel gets. Its texts hold names that a caller chose; none is a command, and none is longer than {@link MAX_VALUE}. */
export interface Message {
  /** Whatever takes this for an alert refuses it before anything else. */
  readonly source: 'tiercel';
  /** The same however often it is sent. */
  readonly id: string;
  readonly outcome: Notice['about'];
  /** One line. */
  readonly title: string;
  /** For people, several lines; commands on lines of their own. */
  readonly text: string;
  readonly response: {
    readonly id: string;
    readonly status: Status;
    readonly mode: string;
    readonly policy: string;
    readonly action: string;
    readonly intent: string;
    readonly cluster?: string;
    readonly target?: string;
    readonly user?: string;
    readonly rules: readonly string[];
    /** When it was decided, ISO 8601. */
    readonly decidedAt: string;
    readonly approveBy?: string;
    readonly expiresAt?: string;
    readonly remark?: string;
    readonly caveats: readonly string[];
    /** Guards that said no, and why. */
    readonly refusedBy: readonly { readonly guard: string; readonly reason: string }[];
  };
  /** Ready to be pasted: made of the id and the stage only. */
  readonly commands: Readonly<Record<string, string>>;
}

const TITLES: Readonly<Record<Status, string>> = {
  planned: 'Would',
  refused: 'Refused to',
  'awaiting-approval': 'Asks whether to',
  denied: 'Was told not to',
  open: 'Sets out to',
  done: 'Done:',
  superseded: 'No longer needed:',
  failed: 'Failed to',
  undone: 'Taken back:',
};

/** Where it happened, in alerts of nodes. */
const OF_NODES = [
  ['Amazon ECS cluster', 'ecs.cluster'],
  ['Amazon ECS task (whose log it is)', 'ecs.task_arn'],
  ['node', 'node'],
  ['container', 'container.id'],
] as const;

const MAX_VALUE = 1_000;
/** SNS and EventBridge take 256 KiB, quotes doubled and doubled again: with these limits no entry makes more. */
const MAX_RULES = 5;
const MAX_CAVEATS = 4;

/** What a notice says, from the journal alone. */
export function messageFor(entry: Entry, notice: Notice, stage: string | undefined): Message {
  const { id, mode, policy, action, approveByMs, expiresAtMs, createdAtMs } = entry;
  const told = notice.about.startsWith('step-') ? undefined : (notice.about as Status);
  const status = told ?? entry.status;
  const intent = printable(entry.intent);
  const fact = (name: string, value: string | undefined) => (value === undefined ? [] : [[name, printable(value)] as const]);
  const time = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());
  const target = entry.target && describeObject(entry.target);
  const rules = [
    ...entry.rules.slice(0, MAX_RULES).map(printable),
    ...(entry.rules.length > MAX_RULES ? [`and ${entry.rules.length - MAX_RULES} more`] : []),
  ];
  const caveats = entry.caveats.slice(0, MAX_CAVEATS).map(printable);
  const refusedBy = entry.guards
    .filter(({ verdict }) => verdict === 'refuse' || (status === 'refused' && verdict === 'unknown'))
    .map(({ guard, reason }) => ({ guard, reason: printable(reason) }));
  const commands = commandsFor(entry, status, stage);
  const approveBy = status === 'awaiting-approval' ? time(approveByMs) : undefined;
  const expiresAt = status === 'done' ? time(expiresAtMs) : undefined;
  const facts = [
    ...fact('policy', policy),
    ...fact('rule', rules.join(', ')),
    ...fact('cluster', entry.cluster),
    ...fact('object', target),
    ...fact('user', entry.user),
    ...OF_NODES.flatMap(([name, field]) => fact(name, fieldText(entry.alert, field))),
    ...refusedBy.map(({ guard, reason }) => [guard, reason] as const),
    ...fact('remark', entry.remark),
    ...caveats.map((caveat) => ['note', caveat] as const),
    ...fact('answer by', approveBy),
    ...fact('ends', expiresAt),
  ];
  // A step without words of its own says what the alert was about.
  const title = told
    ? `${TITLES[told]} ${intent}`
    : printable(notice.text ?? `${rules.join(', ')}: ${target ?? 'an object the alert does not name'}`);
  return {
    source: 'tiercel',
    id: noticeId(entry, notice),
    outcome: notice.about,
    title,
    text: [title, ...facts.map(([name, value]) => `${name}: ${value}`), ...Object.values(commands)].join('\n'),
    response: {
      id,
      status,
      mode,
      policy,
      action,
      intent,
      ...Object.fromEntries([...fact('cluster', entry.cluster), ...fact('target', target), ...fact('user', entry.user)]),
      rules,
      decidedAt: time(createdAtMs)!,
      ...Object.fromEntries([...fact('approveBy', approveBy), ...fact('expiresAt', expiresAt), ...fact('remark', entry.remark)]),
      caveats,
      refusedBy,
    },
    commands,
  };
}

/** Nothing in them comes from an alert: an id is hexadecimal, a stage's name is letters and digits. */
function commandsFor({ id, steps }: Entry, status: Status, stage: string | undefined): Readonly<Record<string, string>> {
  const where = stage === undefined ? '' : ` --stage ${stage}`;
  const cluster = ' --kubeconfig ~/.kube/config';
  const undoable = steps.some(({ effect, state }) => state === 'done' && changesCluster(effect));
  return {
    show: `tiercel journal show ${id}${where}`,
    ...(status === 'awaiting-approval' ? { approve: `tiercel approve ${id}${where}${cluster}`, deny: `tiercel deny ${id}${where}` } : {}),
    ...(undoable && status !== 'undone' ? { undo: `tiercel undo ${id}${where}${cluster}` } : {}),
  };
}

/** A value as one harmless line: no control characters, no direction marks, no end. */
export function printable(text: string): string {
  const line = text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return line.length > MAX_VALUE ? `${line.slice(0, MAX_VALUE)}…` : line;
}
