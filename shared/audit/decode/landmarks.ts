/** Passes over blanks, the zeros with which archives are padded, and byte order marks; stops at the first byte of gzip's magic. */
export function skipFiller(bytes: Uint8Array, i: number): number {
  let j = i;
  for (; j < bytes.length; j++) {
    const c = bytes[j]!;
    if (c === 0xef && bytes[j + 1] === 0xbb && bytes[j + 2] === 0xbf) j += 2;
    else if (c > 0x20 || c === 0x1f) break;
  }
  return j;
}

/** Text logs of the control plane, found between audit events where Firehose extracted the messages of all streams: klog lines and logfmt. */
export const CONTROL_PLANE_TEXT = /^(?:[IWEF]\d{4} \d\d:\d\d:|time=")/;

export function skipLineFeeds(bytes: Uint8Array, i: number): number {
  let j = i;
  while (j < bytes.length && (bytes[j] === 0x0a || bytes[j] === 0x0d)) j++;
  return j;
}

export function endOfLine(bytes: Uint8Array, i: number, end: number): number {
  let j = end;
  while (j > i && (bytes[j - 1] === 0x0a || bytes[j - 1] === 0x0d)) j--;
  return j;
}

const EVENT_START = Buffer.from('{"kind":"Event",');

/** The first bytes of every event that an API server writes: spares looking for a container. */
export function startsLikeEvent(bytes: Uint8Array, at: number): boolean {
  for (let k = 0; k < EVENT_START.length; k++) if (bytes[at + k] !== EVENT_START[k]) return false;
  return true;
}
