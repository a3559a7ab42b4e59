import type { FieldRow, Reader, ValueType } from './row.ts';
import { timeTexts } from './time.ts';

const SECOND = 1_000_000_000n;

function row(name: string, type: ValueType, description: string, extract: Reader): FieldRow {
  return { name, type, list: false, argument: 'none', description, bind: () => extract };
}

/** Fields every source has. Of Falco's `evt.*` a plugin source knows only these. */
export const EVENT_FIELDS: readonly FieldRow[] = [
  row(
    'evt.num',
    'uint64',
    'Number of the event in this run, from 1. Counts events no rule matches, too: it switches the pre-filter off.',
    (event) => BigInt(event.number),
  ),
  row('evt.time', 'string', 'Time of day, UTC, with nanoseconds.', (event) => {
    const { time, fraction } = timeTexts(event.moment);
    return `${time}.${fraction}`;
  }),
  row('evt.time.s', 'string', 'Time of day, UTC.', (event) => timeTexts(event.moment).time),
  row('evt.time.iso8601', 'string', 'Date and time in ISO 8601 with nanoseconds and offset +0000.', (event) => {
    const { date, time, fraction } = timeTexts(event.moment);
    return `${date}T${time}.${fraction}+0000`;
  }),
  row('evt.datetime', 'string', 'Date and time, UTC, with nanoseconds.', (event) => {
    const { date, time, fraction } = timeTexts(event.moment);
    return `${date} ${time}.${fraction}`;
  }),
  row('evt.datetime.s', 'string', 'Date and time, UTC.', (event) => {
    const { date, time } = timeTexts(event.moment);
    return `${date} ${time}`;
  }),
  row('evt.rawtime', 'abstime', 'Nanoseconds since the epoch.', (event) => event.nanoseconds),
  row('evt.rawtime.s', 'abstime', 'Seconds since the epoch.', (event) => event.nanoseconds / SECOND),
  row('evt.rawtime.ns', 'abstime', 'Nanoseconds within the second.', (event) => event.nanoseconds % SECOND),
  row(
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
  row(
    'evt.reltime.ns',
    'reltime',
    'Nanoseconds within the second since the first event of the run; switches the pre-filter off.',
    (event) => event.relativeNanoseconds % SECOND,
  ),
  row('evt.pluginname', 'string', 'Always k8saudit.', () => 'k8saudit'),
  row('evt.plugininfo', 'string', 'The event as compact JSON text.', (event) => event.payload),
  row('evt.source', 'string', 'Always k8s_audit.', () => 'k8s_audit'),
  row('evt.is_async', 'bool', 'Always false.', () => false),
  row('evt.asynctype', 'string', 'Always missing.', () => undefined),
  row('evt.hostname', 'string', 'Name of the machine that evaluates.', (event) => event.run.hostname),
];
