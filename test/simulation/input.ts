import { gzipSync } from 'node:zlib';
import { delivery, envelopeText } from '../support/cloudwatch.ts';
import type { SeededRandom } from './random.ts';

/** What a run is fed with, and what must become of it. */
export interface Input {
  /** Audit ids of events that must reach Falco. */
  readonly good: Set<string>;
  /** Marks of events that must be found in quarantine. */
  readonly broken: Set<string>;
  readonly deliveries: readonly { readonly atMs: number; readonly event: Delivery }[];
  readonly objects: readonly { readonly atMs: number; readonly key: string; readonly bytes: Uint8Array }[];
}

export type Delivery = ReturnType<typeof delivery>;

/** The ids of the events in a text, which may be the messages of an envelope. */
export function idsIn(text: string): string[] {
  return [...text.matchAll(/\\?"auditID\\?":\\?"([^"\\]+)/g)].map((match) => match[1]!);
}

export function makeInput(random: SeededRandom, spanMs: number): Input {
  const good = new Set<string>();
  const broken = new Set<string>();
  let made = 0;

  const message = (): string => {
    const id = `${random.hex(4)}-${++made}-`;
    if (random.chance(0.02)) {
      broken.add(id);
      return random.pick([
        `{"kind":"Event","auditID":"${id}","stage":"ResponseComplete"}`,
        `{"kind":"Event","auditID":"${id}","stageTimestamp":"yesterday"}`,
        `{"kind":"Event","auditID":"${id}" "stageTimestamp":"2026-01-02T03:04:05Z"}`,
      ]);
    }
    good.add(id);
    const padding = random.chance(0.01) ? 'x'.repeat(random.int(1, 300_000)) : '';
    return (
      `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"${id}","stage":"ResponseComplete","requestURI":"/","verb":"get",` +
      `"user":{"username":"u"},"requestObject":{"padding":"${padding}"},"requestReceivedTimestamp":"2026-01-02T03:04:05.000001Z","stageTimestamp":"2026-01-02T03:04:05.000002Z"}`
    );
  };
  // Now and then more than one chunk.
  const messages = () => Array.from({ length: random.chance(0.06) ? random.int(501, 700) : random.int(1, 30) }, message);
  const stream = () => `kube-apiserver-audit-${random.hex(16)}`;
  const control = { messageType: 'CONTROL_MESSAGE', logStream: '', logGroup: '' };
  const scheduler = { logStream: `kube-scheduler-${random.hex(16)}` };

  const deliveries = Array.from({ length: random.int(1, 6) }, () => ({
    atMs: random.int(0, spanMs),
    event: random.chance(0.1)
      ? delivery(['CWL CONTROL MESSAGE: Checking health of destination'], control)
      : delivery(messages(), { logGroup: '/aws/eks/stream/cluster', logStream: stream() }),
  }));
  const objects = Array.from({ length: random.int(0, 4) }, (_, n) => {
    const envelopes = Array.from({ length: random.int(1, 4) }, () =>
      random.chance(0.1)
        ? envelopeText(['I0102 03:04:05 elected'], scheduler)
        : envelopeText(messages(), { logGroup: '/aws/eks/archive/cluster', logStream: stream() }),
    );
    const members = envelopes.map((text) => gzipSync(text));
    const bytes = random.pick([
      () => Buffer.concat(members),
      () => gzipSync(Buffer.concat(members)),
      () => Buffer.concat(members.flatMap((member) => [member, Buffer.from('\n')])),
      () => gzipSync(envelopes.join('\n')),
      () => Buffer.from(envelopes.join('')),
    ])();
    return { atMs: random.int(0, spanMs), key: `eks/2026/01/02/03/archive-${n}`, bytes };
  });
  return { good, broken, deliveries, objects };
}
