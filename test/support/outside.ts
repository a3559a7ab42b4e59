import { createHash } from 'node:crypto';
import type { RespondDeps } from '../../shared/flows/respond.ts';
import type { Message } from '../../shared/respond/notify/message.ts';

export interface Manifest {
  readonly response: string;
  readonly kept: readonly {
    readonly name: string;
    readonly key: string;
    readonly bytes: number;
    readonly sha256: string;
    readonly cut?: string;
  }[];
  readonly missing: readonly { readonly name: string; readonly why: string }[];
}

/** What respond can reach beside the cluster: an evidence store and the channel `security`, in memory. */
export interface Outside {
  readonly deps: Required<Pick<RespondDeps, 'evidence' | 'channels' | 'stage'>>;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Every message a channel took, in order. */
  readonly messages: readonly Message[];
  /** Everything that was written or sent, by key or id. */
  readonly calls: readonly string[];
  manifests(): readonly Manifest[];
  /** Whether all a manifest lists is there as it says. */
  isWhole(manifest: Manifest): boolean;
}

export function createOutside(): Outside {
  const files = new Map<string, Uint8Array>();
  const messages: Message[] = [];
  const calls: string[] = [];
  return {
    deps: {
      stage: 'test',
      evidence: {
        async putIfAbsent(key, body) {
          calls.push(key);
          if (files.has(key)) return 'present';
          files.set(key, body);
          return 'written';
        },
      },
      channels: new Map([
        [
          'security',
          {
            async send(message: Message) {
              calls.push(message.id);
              messages.push(message);
            },
          },
        ],
      ]),
    },
    files,
    messages,
    calls,
    manifests: () =>
      [...files].filter(([key]) => key.endsWith('/manifest.json')).map(([, body]) => JSON.parse(Buffer.from(body).toString()) as Manifest),
    isWhole: ({ kept }) =>
      kept.every(({ key, bytes, sha256 }) => {
        const file = files.get(key);
        return file?.length === bytes && createHash('sha256').update(file).digest('hex') === sha256;
      }),
  };
}
