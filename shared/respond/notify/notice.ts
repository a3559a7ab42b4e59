import type { Entry, Status } from '../journal/journal.ts';

/** Something one channel is to be told about a response. */
export interface Notice {
  readonly channel: string;
  /** The outcome that is told, or the step (its number) that says something. */
  readonly about: Status | `step-${number}`;
  /** What the policy wants said; only of steps. */
  readonly text?: string;
  readonly state: 'due' | 'sent' | 'failed';
  /** Deliveries that were tried. */
  readonly attempts: number;
  /** Who may send it: until then nobody else. Epoch milliseconds; only while due. */
  readonly leaseUntilMs?: number;
  /** What the channel said last, where it did not take it. */
  readonly why?: string;
  /** When the last attempt ended, epoch milliseconds. */
  readonly atMs?: number;
}

export type Told = Pick<Entry, 'notices'>;

/** Names a message for whoever receives it: the same however often it is sent. */
export function noticeId(entry: Pick<Entry, 'id'>, { about }: Pick<Notice, 'about'>): string {
  return `${entry.id}/${about}`;
}

/** The entry with notices about something, one for each channel; those it has already stand. */
export function withNotices<T extends Told>(entry: T, about: Notice['about'], channels: readonly string[], text?: string): T {
  const had = entry.notices ?? [];
  const added = channels
    .filter((channel) => !had.some((notice) => notice.channel === channel && notice.about === about))
    .map((channel): Notice => ({ channel, about, state: 'due', attempts: 0, ...(text === undefined ? {} : { text }) }));
  return added.length === 0 ? entry : { ...entry, notices: [...had, ...added] };
}

/** The entry with a notice of its status, if its policy wants that told. That something was told is no news. */
export function withStatusNotice<T extends Told & Pick<Entry, 'status' | 'notify' | 'steps'>>(entry: T): T {
  const { notify, status, steps } = entry;
  if (status === 'done' && steps.every(({ effect }) => effect.verb === 'send')) return entry;
  return notify?.on.includes(status) ? withNotices(entry, status, notify.channels) : entry;
}
