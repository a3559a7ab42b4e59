import { identityOf, isAuditStream } from '../identity.ts';
import { MAX_VALUE_BYTES, type RejectReason, type SkipReason } from '../item.ts';
import { scanEvent, scanned } from '../json/layout.ts';
import { DEEPEST, skipBlanks, skipKey, skipValue } from '../json/lexer.ts';
import type { ClusterIdentity, FileOrigin, ObjectOrigin, Origin } from '../record.ts';
import { cutWithin, looksCut } from '../salvage.ts';
import type { Collector } from './collector.ts';
import { type Envelope, headOf } from './container.ts';
import { CONTROL_PLANE_TEXT, endOfLine, skipFiller, skipLineFeeds, startsLikeEvent } from './landmarks.ts';
import { read, scanLogEvent } from './log-event.ts';
import { Oversized } from './oversized.ts';
import { startsBehind, type Window } from './window.ts';

/** Where the text comes from; offsets and lines are added as values are met. `undefined` for a delivery, whose events name themselves. */
export type Place = Omit<ObjectOrigin, 'offset'> | Omit<FileOrigin, 'offset' | 'line'> | undefined;

/** A list whose elements are being read. */
type Container =
  /** A bare list, closed by its bracket; or one in an object (`EventList`), closed by that object's brace. */
  | { readonly kind: 'array' | 'list'; readonly start: number }
  | {
      readonly kind: 'envelope';
      readonly start: number;
      readonly envelope: Envelope;
      readonly identity: ClusterIdentity;
      readonly within: ObjectOrigin | FileOrigin | undefined;
      /** Why its events are passed over. They are counted, and make one item together. */
      readonly skip: SkipReason | undefined;
      skipped: { readonly count: number; readonly origin: Origin | undefined };
    };

/** Why {@link ValueReader.read} came back: it needs `window.wanted` bytes, met a gzip member at `window.at`, or is through. */
export type Pause = 'more' | 'gzip' | 'end';

export interface ValueReaderOptions {
  readonly identity: ClusterIdentity;
  /** When the text was written, milliseconds since the epoch, for cut events whose own time was cut off. */
  readonly timestampMs: number | undefined;
}

/**
 * Reads one decoded text: JSON values of every kind that occurs, one after the other or in lists, with or without delimiters, and hands the events to
 * the collector. Works on whatever part of the text the window holds, and never looks at a byte more than a few times.
 */
export class ValueReader {
  readonly #window: Window;
  readonly #collect: Collector;
  readonly #place: Place;
  readonly #options: ValueReaderOptions;
  readonly #containers: Container[] = [];
  /** The list of the innermost container has ended, its object has not. */
  #inTail = false;
  #oversized: Oversized | undefined;
  /** The envelope left last, until an event or a container follows: damage may have made it seem to end. */
  #left: (Container & { kind: 'envelope' }) | undefined;
  /** The first envelope met: a delivery's. */
  envelope: Envelope | undefined;

  constructor(window: Window, collect: Collector, place: Place, options: ValueReaderOptions) {
    this.#window = window;
    this.#collect = collect;
    this.#place = place;
    this.#options = options;
  }

  /** Reads on until the window is used up, `limit` items are waiting, or a gzip member starts. */
  read(limit: number): Pause | 'full' {
    const window = this.#window;
    window.wanted = 1;
    for (;;) {
      if (this.#collect.items.length >= limit) return 'full';
      let pause: Pause | undefined;
      if (this.#oversized !== undefined) pause = this.#passOver(this.#oversized);
      else {
        window.at = this.#collect.waiting ? skipLineFeeds(window.bytes, window.at) : skipFiller(window.bytes, window.at);
        if (window.length === 0) return window.ended ? this.#end() : 'more';
        const container = this.#containers.at(-1);
        if (container === undefined) pause = this.#topLevel();
        else if (this.#inTail) pause = this.#tail();
        else pause = this.#element(container);
      }
      if (pause === 'more' && window.ended) {
        // Every branch that wants more has to settle for what there is once the text has ended.
        if (window.length === 0) return this.#end();
        this.#broken(window.at, 'cut-short');
      } else if (pause !== undefined) return pause;
    }
  }

  /** The text ends here, whatever was expected. */
  #end(): Pause {
    this.#collect.flush();
    for (const container of this.#abandon()) {
      this.#collect.reject('cut-short', this.#origin(this.#window.at), {
        range: { start: container.start, end: this.#offset(this.#window.at) },
      });
    }
    return 'end';
  }

  #topLevel(): Pause | undefined {
    const { bytes, at } = this.#window;
    switch (bytes[at]) {
      case 0x7b:
        return this.#object(at);
      case 0x5b:
        this.#enter({ kind: 'array', start: this.#offset(at) }, at + 1);
        return undefined;
      case 0x1f:
        if (this.#window.length < 2 && !this.#window.ended) return this.#more(2);
        if (bytes[at + 1] === 0x8b) return 'gzip';
        return this.#broken(at, 'not-json');
      default:
        return this.#broken(at, 'not-json');
    }
  }

  #element(container: Container): Pause | undefined {
    const window = this.#window;
    const { bytes, at } = window;
    const c = bytes[at];
    if (c === 0x2c) {
      window.at++;
      return undefined;
    }
    if (c === 0x5d) {
      window.at++;
      if (container.kind === 'array') this.#leave();
      else this.#inTail = true;
      return undefined;
    }
    if (container.kind === 'envelope') return this.#logEvent(container, at);
    if (c === 0x7b) return this.#object(at);
    const after = skipValue(bytes, at, bytes.length, DEEPEST);
    if (after < 0) return ~after >= bytes.length ? this.#moreOrOversized(at) : this.#broken(at, 'invalid-json');
    this.#collect.reject('not-an-audit-event', this.#origin(at), { bytes: bytes.subarray(at, after) });
    window.at = after;
    return undefined;
  }

  /** What stands between the end of a container's list and its closing brace. */
  #tail(): Pause | undefined {
    const window = this.#window;
    const { bytes, at } = window;
    if (bytes[at] === 0x7d) {
      window.at++;
      this.#leave();
      return undefined;
    }
    if (bytes[at] === 0x2c) {
      const key = skipBlanks(bytes, at + 1, bytes.length);
      const value = skipKey(bytes, key, bytes.length);
      const after = value < 0 ? value : skipValue(bytes, value, bytes.length, DEEPEST);
      if (after >= 0) {
        window.at = after;
        return undefined;
      }
      if (~after >= bytes.length && window.length <= MAX_VALUE_BYTES) return this.#more(window.length * 2);
    }
    return this.#broken(at, 'invalid-json');
  }

  #object(at: number): Pause | undefined {
    const window = this.#window;
    const { bytes } = window;
    if (!startsLikeEvent(bytes, at) && this.#containers.length < 4) {
      const head = headOf(bytes, at, bytes.length);
      if (head.kind === 'list') {
        this.#enter({ kind: 'list', start: this.#offset(at) }, head.elements);
        return undefined;
      }
      if (head.kind === 'envelope') {
        this.#enter(this.#envelope(head.envelope, at), head.elements);
        return undefined;
      }
      if (head.kind === 'unknown') return this.#moreOrOversized(at);
    }
    let after = scanEvent(bytes, at, bytes.length);
    const deep = after < 0 && ~after < bytes.length;
    if (deep) after = scanEvent(bytes, at, bytes.length, DEEPEST);
    if (after < 0) return ~after >= bytes.length ? this.#moreOrOversized(at) : this.#broken(at, 'invalid-json');
    const cut = this.#containers.length === 0 ? cutWithin(bytes, at, after) : -1;
    if (cut > 0) {
      after = at + cut;
      this.#collect.text(bytes.subarray(at, after), this.#origin(at), this.#options.identity, this.#options.timestampMs);
    } else if (after - at > MAX_VALUE_BYTES) {
      this.#collect.reject('too-large', this.#origin(at), { range: { start: this.#offset(at), end: this.#offset(after) } });
    } else {
      const raw = bytes.subarray(at, after);
      if (startsLikeEvent(bytes, at)) this.#left = undefined;
      this.#collect.object(
        raw,
        { of: raw, spans: scanned.spans, escapedKeys: scanned.escapedKeys, deep },
        this.#origin(at),
        this.#options.identity,
      );
    }
    window.at = after;
    return undefined;
  }

  #envelope(envelope: Envelope, at: number): Container {
    this.envelope ??= envelope;
    const skip =
      envelope.messageType === 'CONTROL_MESSAGE' ? 'control-message' : isAuditStream(envelope.logStream) ? undefined : 'other-stream';
    const identity = identityOf(envelope.logGroup, envelope.account, this.#options.identity);
    const within = this.#place && (this.#origin(at) as ObjectOrigin | FileOrigin);
    return { kind: 'envelope', start: this.#offset(at), envelope, identity, within, skip, skipped: { count: 0, origin: within } };
  }

  #logEvent(container: Container & { kind: 'envelope' }, at: number): Pause | undefined {
    const window = this.#window;
    const after = scanLogEvent(window.bytes, at, window.bytes.length, container.skip === undefined);
    if (after < 0) return ~after >= window.bytes.length ? this.#moreOrOversized(at) : this.#broken(at, 'invalid-json');
    window.at = after;
    const { id, timestampMs, message } = read;
    const origin = logOrigin(container, id, timestampMs);
    if (container.skip !== undefined) {
      const { count, origin: first } = container.skipped;
      container.skipped = { count: count + 1, origin: count === 0 && container.skip === 'other-stream' ? origin : first };
      return undefined;
    }
    if (after - at > MAX_VALUE_BYTES) {
      this.#collect.reject('too-large', origin);
      return undefined;
    }
    if (message === undefined) this.#collect.reject('not-an-envelope', origin, { bytes: window.bytes.subarray(at, after) });
    else this.#collect.text(message, origin, container.identity, isTime(timestampMs) ? timestampMs : this.#options.timestampMs);
    return undefined;
  }

  /** The value at `at` is not complete: asks for twice as much, or begins to pass over it when it is too large to be held. */
  #moreOrOversized(at: number): Pause | undefined {
    const window = this.#window;
    window.at = at;
    if (window.ended) return this.#broken(at, 'cut-short');
    if (window.length <= MAX_VALUE_BYTES) return this.#more(window.length * 2);
    this.#oversized = new Oversized(this.#offset(at), this.#origin(at));
    return undefined;
  }

  #more(bytes: number): Pause {
    this.#window.wanted = Math.min(bytes, MAX_VALUE_BYTES + 1);
    return 'more';
  }

  /** The value at `at` cannot be read. Rejects it up to where the next one certainly starts, and goes on there. */
  #broken(at: number, reason: RejectReason): Pause | undefined {
    const window = this.#window;
    const { bytes } = window;
    window.at = at;
    const open = this.#containers.at(-1);
    const container = open ?? this.#left;
    let end = window.nextStart(at);
    let inside = false;
    if (container?.kind === 'envelope') {
      // Within messages quotes are escaped, so this too can only be structure.
      const next = bytes.indexOf('},{"id":"', at, 'latin1');
      inside = next >= 0 && (end < 0 || next < end);
      if (inside) end = next + 2;
    }
    if (open === undefined || open.kind !== 'envelope') {
      if (!inside && reason === 'not-json' && (this.#collect.waiting || this.#isControlPlaneText(at))) {
        const line = bytes.indexOf(0x0a, at);
        if (line >= 0 && (end < 0 || line < end)) end = line + 1;
      } else if (open !== undefined && end >= 0) inside = startsBehind(bytes, end - 1) && bytes[end] === 0x7b;
    }
    if (end < 0 || end - at > MAX_VALUE_BYTES) {
      if (window.length > MAX_VALUE_BYTES) {
        this.#oversized = new Oversized(this.#offset(at), this.#origin(at));
        return undefined;
      }
      if (!window.ended) return this.#more(window.length * 2);
      end = bytes.length;
    }
    if (inside && open === undefined) this.#containers.push(container!);
    this.#region(at, end, reason);
    window.at = end;
    if (inside) this.#inTail = false;
    else this.#abandon();
    return undefined;
  }

  /** Rejects `bytes[at, end)`, unless it is the head of an event that the log agent cut, or a part that belongs to one. */
  #region(at: number, end: number, reason: RejectReason): void {
    const { bytes } = this.#window;
    let last = end;
    while (last > at && bytes[last - 1]! <= 0x20) last--;
    const origin = this.#origin(at);
    const region = bytes.subarray(at, last);
    const line = bytes.subarray(at, endOfLine(bytes, at, end));
    if (this.#containers.length === 0 && (looksCut(line, 0, line.length) || this.#collect.waiting)) {
      this.#collect.text(line, origin, this.#options.identity, this.#options.timestampMs);
      return;
    }
    if (reason === 'not-json' && this.#isControlPlaneText(at)) {
      this.#collect.skip('other-stream', origin);
      return;
    }
    const range = { start: this.#offset(at), end: this.#offset(last) };
    const cut = reason === 'invalid-json' && bytes[at] === 0x7b && ~scanEvent(bytes, at, last, DEEPEST) >= last;
    this.#collect.reject(cut ? 'cut-short' : reason, origin, { bytes: region, range });
  }

  #isControlPlaneText(at: number): boolean {
    return CONTROL_PLANE_TEXT.test(this.#window.bytes.toString('latin1', at, at + 64));
  }

  #passOver(oversized: Oversized): Pause | undefined {
    const window = this.#window;
    const found = oversized.passOver(window.bytes, window.at);
    window.at = found.ended || !window.ended ? found.at : window.bytes.length;
    if (!found.ended && !window.ended) return this.#more(window.length + 1);
    this.#oversized = undefined;
    this.#collect.reject('too-large', oversized.origin, { range: { start: oversized.start, end: this.#offset(window.at) } });
    if (!found.balanced) this.#abandon();
    return undefined;
  }

  #enter(container: Container, elements: number): void {
    this.#left = undefined;
    this.#window.at = elements;
    this.#containers.push(container);
  }

  #leave(): void {
    this.#collect.flush();
    const container = this.#containers.pop();
    this.#countSkipped(container);
    this.#remember(container);
    this.#inTail = false;
  }

  /** What follows certainly lies outside every container that was open. */
  #abandon(): Container[] {
    const open = this.#containers.splice(0);
    for (const container of open) this.#countSkipped(container);
    this.#remember(open.at(-1));
    this.#inTail = false;
    return open;
  }

  #remember(container: Container | undefined): void {
    if (container?.kind === 'envelope' && container.skip === undefined) this.#left = container;
  }

  #countSkipped(container: Container | undefined): void {
    if (container?.kind !== 'envelope' || container.skip === undefined) return;
    const { count, origin } = container.skipped;
    if (container.skip === 'control-message') this.#collect.skip(container.skip, origin);
    else if (count > 0) this.#collect.skip(container.skip, origin, count);
  }

  #offset(at: number): number {
    return this.#window.base + at;
  }

  #origin(at: number): Origin {
    const place = this.#place;
    if (place?.kind === 'object') return { ...place, offset: this.#offset(at) };
    if (place?.kind === 'file') return { ...place, offset: this.#offset(at), line: this.#window.lineOf(at) };
    const envelope =
      this.#containers.at(-1)?.kind === 'envelope' ? (this.#containers.at(-1) as { envelope: Envelope }).envelope : this.envelope;
    return {
      kind: 'cloudwatch',
      account: envelope?.account ?? '',
      logGroup: envelope?.logGroup ?? '',
      logStream: envelope?.logStream ?? '',
      eventId: '',
      timestampMs: 0,
    };
  }
}

function logOrigin({ envelope, within }: Container & { kind: 'envelope' }, eventId: string, timestampMs: number): Origin {
  const { account, logGroup, logStream } = envelope;
  if (within === undefined) return { kind: 'cloudwatch', account, logGroup, logStream, eventId, timestampMs };
  return { kind: 'cloudwatch', account, logGroup, logStream, eventId, timestampMs, within };
}

/** Whether `new Date(ms)` can be written as a timestamp. */
function isTime(ms: number): boolean {
  return ms > 0 && ms < 253_402_300_800_000;
}
