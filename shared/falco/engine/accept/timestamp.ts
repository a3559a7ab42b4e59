/** A moment as Falco keeps it, unsigned 64-bit nanoseconds since the epoch: whole seconds and nanoseconds within the second. */
export interface Moment {
  readonly seconds: number;
  readonly nanoseconds: number;
}

const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/** What Go's time.Parse takes as RFC 3339: one-digit hours, a comma before the fraction, offsets up to 24:60. */
const GO_RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

/** `stageTimestamp` (the bytes between its quotes, without escapes) → moment; undefined when Go would refuse it, and Falco then the event. */
export function parseTimestampAt(bytes: Buffer, start: number, end: number): Moment | undefined {
  return microTimeAt(bytes, start, end) ?? parseTimestamp(bytes.toString('latin1', start, end));
}

/** The date parsed last and its midnight, seconds: an audit log stays on one day for long. */
const lastDate = new Uint8Array(10);
let lastMidnight = 0;

/** The one form the API server writes, YYYY-MM-DDTHH:MM:SS.ffffffZ, from 1970 to 2261; undefined for every other. */
function microTimeAt(bytes: Buffer, start: number, end: number): Moment | undefined {
  if (end - start !== 27 || bytes[start + 10] !== 0x54 || bytes[start + 13] !== 0x3a || bytes[start + 16] !== 0x3a) return undefined;
  if (bytes[start + 19] !== 0x2e || bytes[start + 26] !== 0x5a) return undefined;
  const hour = digitsAt(bytes, start + 11, start + 13);
  const minute = digitsAt(bytes, start + 14, start + 16);
  const second = digitsAt(bytes, start + 17, start + 19);
  const micros = digitsAt(bytes, start + 20, start + 26);
  if (!(hour < 24 && minute < 60 && second < 60 && micros >= 0)) return undefined;
  for (let i = 0; i < 10; i++) {
    if (bytes[start + i] === lastDate[i]) continue;
    const date = bytes.toString('latin1', start, start + 10);
    const midnight = parseTimestamp(`${date}T00:00:00Z`);
    if (!midnight || date < '1970' || date >= '2262') return undefined;
    bytes.copy(lastDate, 0, start, start + 10);
    lastMidnight = midnight.seconds;
    break;
  }
  return { seconds: lastMidnight + hour * 3600 + minute * 60 + second, nanoseconds: micros * 1000 };
}

/** The number that decimal digits write; NaN if there is anything else. */
function digitsAt(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** {@link parseTimestampAt} for a text. Digits of the fraction after the ninth are cut. */
export function parseTimestamp(text: string): Moment | undefined {
  const match = GO_RFC3339.exec(text);
  if (!match) return undefined;
  const year = Number(match[1]);
  const month = Number(match[2]);
  const day = Number(match[3]);
  const hour = Number(match[4]);
  const minute = Number(match[5]);
  const second = Number(match[6]);
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59) return undefined;
  const fraction = match[7];
  const nanoseconds = fraction === undefined ? 0 : Number(fraction.slice(0, 9).padEnd(9, '0'));
  let seconds = ((daysSinceEpoch(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
  if (match[8] !== undefined) {
    const offsetHours = Number(match[9]);
    const offsetMinutes = Number(match[10]);
    if (offsetHours > 24 || offsetMinutes > 60) return undefined;
    const offset = (offsetHours * 60 + offsetMinutes) * 60;
    seconds += match[8] === '-' ? offset : -offset;
  }
  return seconds >= 0 && seconds < MAX_SECONDS ? { seconds, nanoseconds } : wrapped(seconds, nanoseconds);
}

/** Below this many seconds nanoseconds fit Go's signed 64 bits. */
const MAX_SECONDS = 9_223_372_036;

/** Times before 1970 and after 2262 wrap around, as they do in Go and C. */
function wrapped(seconds: number, nanoseconds: number): Moment {
  const total = BigInt.asUintN(64, BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds));
  return { seconds: Number(total / 1_000_000_000n), nanoseconds: Number(total % 1_000_000_000n) };
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysIn(year: number, month: number): number {
  return month === 2 ? (isLeap(year) ? 29 : 28) : month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function daysSinceEpoch(year: number, month: number, day: number): number {
  const before = year - 1;
  const leapDays = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  const dayOfYear = DAYS_BEFORE_MONTH[month - 1]! + day - 1 + (month > 2 && isLeap(year) ? 1 : 0);
  return before * 365 + leapDays + dayOfYear - 719_162;
}
