import { upToNul } from '../bytes.ts';
import type { FieldRow, Reader, ValueType } from './row.ts';
import { timeTexts } from './time.ts';

const SECOND = 1_000_000_000n;

function row(name: string, type: ValueType, description: string, extract: Reader): FieldRow {
  return { name, type, list: false, argument: 'none', description, bind: () => extract };
}

function timeText(name: string, description: string, extract: Reader): FieldRow {
  return { ...row(name, 'string', description, extract), shown: 'nanoseconds', reads: () => 'time', always: true };
}

function constant(name: string, type: ValueType, description: string, extract: Reader): FieldRow {
  return { ...row(name, type, description, extract), reads: () => 'nothing' };
}

function padded(name: string, type: ValueType, description: string, extract: Reader): FieldRow {
  return { ...row(name, type, description, extract), shown: 'padded' };
}

/** Fields every source has. Of Falco's `evt.*` a plugin source knows only these. */
export const EVENT_FIELDS: readonly FieldRow[] = [
  row(
    'evt.num',
    'uint64',
    'Number of the event in this run, from 1. Counts events no rule matches, too: it switches the pre-filter off.',
    (event) => BigInt(event.number),
  ),
  timeText('evt.time', 'Time of day, UTC, with nanoseconds.', (event) => {
    const { time, fraction } = timeTexts(event.moment);
    return `${time}.${fraction}`;
  }),
  timeText('evt.time.s', 'Time of day, UTC.', (event) => timeTexts(event.moment).time),
  timeText('evt.time.iso8601', 'Date and time in ISO 8601 with nanoseconds and offset +0000.', (event) => {
    const { date, time, fraction } = timeTexts(event.moment);
    return `${date}T${time}.${fraction}+0000`;
  }),
  timeText('evt.datetime', 'Date and time, UTC, with nanoseconds.', (event) => {
    const { date, time, fraction } = timeTexts(event.moment);
    return `${date} ${time}.${fraction}`;
  }),
  timeText('evt.datetime.s', 'Date and time, UTC.', (event) => {
    const { date, time } = timeTexts(event.moment);
    return `${date} ${time}`;
  }),
  { ...row('evt.rawtime', 'abstime', 'Nanoseconds since the epoch.', (event) => event.nanoseconds), reads: () => 'time', always: true },
  {
    ...row('evt.rawtime.s', 'abstime', 'Seconds since the epoch.', (event) => event.nanoseconds / SECOND),
    reads: () => 'time',
    always: true,
  },
  {
    ...padded('evt.rawtime.ns', 'abstime', 'Nanoseconds within the second.', (event) => event.nanoseconds % SECOND),
    reads: () => 'time',
    always: true,
  },
  padded(
    'evt.reltime',
    'reltime',
    'Nanoseconds since the first event of the run; switches the pre-filter off.',
    (event) => event.relativeNanoseconds,
  ),
  row(
    'evt.reltime.s',
    'reltime',
    'Seconds since the first event of the run; switches the pre-filter off.',
    (event) => event.relativeNanoseconds / SECOND,
  ),
  padded(
    'evt.reltime.ns',
    'reltime',
    'Nanoseconds within the second since the first event of the run; switches the pre-filter off.',
    (event) => event.relativeNanoseconds % SECOND,
  ),
  constant('evt.pluginname', 'string', 'Always k8saudit.', () => 'k8saudit'),
  row('evt.plugininfo', 'string', 'The event as compact JSON text.', (event) => upToNul(event.payload)),
  constant('evt.source', 'string', 'Always k8s_audit.', () => 'k8s_audit'),
  constant('evt.is_async', 'bool', 'Always false.', () => false),
  constant('evt.asynctype', 'string', 'Always missing.', () => undefined),
  row('evt.hostname', 'string', 'Name of the machine that evaluates.', (event) => event.run.hostname),
];
