import { request as send } from 'node:https';
import { messageOf } from '../errors.ts';
import { KubeConnectionError } from './errors.ts';

/** How much of an answer is kept: all of it or nothing, or its end. */
export interface Keeping {
  readonly bytes: number;
  readonly what: 'whole' | 'end';
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
  /** Bytes that came; more than `body` has when its start was dropped. */
  readonly received: number;
}

/** One request and its answer; never more than `keeping.bytes` and one chunk are in memory. @throws KubeConnectionError */
export function exchange(
  what: string,
  url: URL,
  options: Parameters<typeof send>[1] & object,
  body: string | undefined,
  keeping: Keeping,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown) => reject(new KubeConnectionError(what, why, cause));
    const outgoing = send(url, options, (incoming) => {
      const parts: Buffer[] = [];
      let held = 0;
      let received = 0;
      incoming.on('data', (part: Buffer) => {
        received += part.length;
        held += part.length;
        parts.push(part);
        if (keeping.what === 'whole') {
          if (held > keeping.bytes) incoming.destroy(new Error(`the answer is longer than ${keeping.bytes} bytes`));
          return;
        }
        while (held - parts[0]!.length >= keeping.bytes) held -= parts.shift()!.length;
      });
      incoming.on('end', () => {
        const text = Buffer.concat(parts);
        resolve({ status: incoming.statusCode ?? 0, body: text.subarray(Math.max(0, text.length - keeping.bytes)), received });
      });
      incoming.on('error', (error) => fail(`got ${messageOf(error)}`, error));
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('none came in time')));
    outgoing.on('error', (error) => fail(`got ${messageOf(error)}`, error));
    outgoing.end(body);
  });
}
