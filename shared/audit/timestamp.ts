/** `"2026-11-21T08:24:19.084626Z"`, with its quotes: what digits stand where, before the fraction. */
const DIGITS = [1, 2, 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19];
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether the JSON value `raw[start, end)` is a text that Go's `time.Parse(time.RFC3339Nano, …)` takes; Falco drops an event where it does not. */
export function isTimestamp(raw: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (start < 0 || length < 22 || length > 64 || raw[start] !== 0x22) return false;
  for (const at of DIGITS) if (!isDigit(raw[start + at]!)) return false;
  if (
    raw[start + 5] !== 0x2d ||
    raw[start + 8] !== 0x2d ||
    raw[start + 11] !== 0x54 ||
    raw[start + 14] !== 0x3a ||
    raw[start + 17] !== 0x3a
  )
    return false;
  const two = (at: number) => (raw[start + at]! - 0x30) * 10 + raw[start + at + 1]! - 0x30;
  const [month, day] = [two(6), two(9)];
  if (month < 1 || month > 12 || day < 1 || two(12) > 23 || two(15) > 59 || two(18) > 59) return false;
  if (day > DAYS[month - 1]! && !(month === 2 && day === 29 && isLeap(two(1) * 100 + two(3)))) return false;
  let j = start + 20;
  if (raw[j] === 0x2e || raw[j] === 0x2c) {
    const fraction = ++j;
    while (isDigit(raw[j]!)) j++;
    if (j === fraction) return false;
  }
  if (raw[j] === 0x5a) return j + 2 === end;
  if ((raw[j] !== 0x2b && raw[j] !== 0x2d) || j + 7 !== end || raw[j + 3] !== 0x3a) return false;
  for (const at of [1, 2, 4, 5]) if (!isDigit(raw[j + at]!)) return false;
  return two(j + 1 - start) <= 24 && two(j + 4 - start) <= 59;
}

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39;
}

function isLeap(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}
