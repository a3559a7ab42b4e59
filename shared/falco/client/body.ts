/** Bytes a body may have by Falco's default `webhookMaxBatchSize`; exactly this many pass, one more is a 400. */
export const WEBHOOK_MAX_BYTES = 12_582_912;

/**
 * What a later `tiercel.dev/attempt` stamp may add to one event, with room to spare. It is kept free under the hard limit,
 * so that a body which is sent again still fits.
 */
const RESTAMP_BYTES = 128;

// An EventList and never a bare array: in a list a bad item costs itself, in an array it costs the whole body.
const HEAD = Buffer.from('{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[');
const TAIL = Buffer.from(']}');
const COMMA = 0x2c;

export interface BodyLimits {
  /** Bytes a body should not exceed. One larger event still goes, alone, up to {@link WEBHOOK_MAX_BYTES}. */
  readonly maxBytes: number;
  /** Events in one body, at most. */
  readonly maxEvents: number;
}

/** Records `from` (inclusive) to `to` (exclusive) share a body. */
export interface BodySpan {
  readonly from: number;
  readonly to: number;
}

export interface BodyPlan {
  readonly bodies: readonly BodySpan[];
  /** Indexes of events no body can hold. */
  readonly tooLarge: readonly number[];
}

/** Cuts events of the given sizes (bytes) into bodies, in order. No body is empty. */
export function planBodies(sizes: readonly number[], limits: BodyLimits): BodyPlan {
  const bodies: BodySpan[] = [];
  const tooLarge: number[] = [];
  let from = 0;
  let bytes = 0;
  const close = (to: number) => {
    if (to > from) bodies.push({ from, to });
    from = to;
    bytes = HEAD.length + TAIL.length - 1;
  };
  close(0);
  for (const [index, size] of sizes.entries()) {
    const events = index - from + 1;
    const grown = bytes + size + 1;
    if (index > from && (events > limits.maxEvents || grown > limits.maxBytes || grown + events * RESTAMP_BYTES > WEBHOOK_MAX_BYTES))
      close(index);
    bytes += size + 1;
    if (bytes + RESTAMP_BYTES > WEBHOOK_MAX_BYTES && from === index) {
      tooLarge.push(index);
      from = index + 1;
      close(from);
    }
  }
  close(sizes.length);
  return { bodies, tooLarge };
}

/** An `EventList` of the given raw texts, each byte for byte. */
export function eventListBody(texts: readonly Uint8Array[]): Uint8Array {
  if (texts.length === 0) throw new RangeError('an EventList body needs at least one event: Falco does not recognise an empty one');
  const body = Buffer.allocUnsafe(texts.reduce((sum, text) => sum + text.byteLength + 1, HEAD.length + TAIL.length - 1));
  body.set(HEAD, 0);
  let at = HEAD.length;
  for (const [index, text] of texts.entries()) {
    if (index > 0) body[at++] = COMMA;
    body.set(text, at);
    at += text.byteLength;
  }
  body.set(TAIL, at);
  return body;
}
