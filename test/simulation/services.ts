import type { ListedObject } from '../../shared/platform/aws/list-versions.ts';
import type { ObjectAddress, ObjectReader } from '../../shared/platform/aws/s3.ts';
import type { Checkpoint, Checkpoints } from '../../shared/platform/checkpoints.ts';
import type { ObjectStore } from '../../shared/platform/object-store.ts';
import { type Once, type OnceResult, WorkInProgressError } from '../../shared/platform/once.ts';
import type { Process, World } from './world.ts';

interface Version {
  readonly versionId: string;
  readonly bytes: Uint8Array;
  readonly writtenMs: number;
}

/** A versioned bucket that announces what is created in it. */
export class Bucket {
  readonly name: string;
  /** Oldest first; the last is the current one. */
  readonly #keys = new Map<string, Version[]>();
  readonly #announce: (address: ObjectAddress) => void;
  readonly #lies: { readonly forgetful?: boolean; readonly immortal?: boolean };
  readonly #now: () => number;
  #versions = 0;

  constructor(
    name: string,
    announce: (address: ObjectAddress) => void,
    lies: { readonly forgetful?: boolean; readonly immortal?: boolean } = {},
    now: () => number = () => 0,
  ) {
    this.name = name;
    this.#announce = announce;
    this.#lies = lies;
    this.#now = now;
  }

  put(key: string, bytes: Uint8Array): void {
    if (this.#lies.forgetful) return;
    const versionId = `v${++this.#versions}`;
    this.#keys.set(key, [...(this.#keys.get(key) ?? []), { versionId, bytes, writtenMs: this.#now() }]);
    this.#announce({ bucket: this.name, key, versionId });
  }

  /** Current versions. */
  *entries(): Generator<[key: string, bytes: Uint8Array]> {
    for (const [key, versions] of this.#keys) {
      const current = versions.at(-1);
      if (current) yield [key, current.bytes];
    }
  }

  /** As the sweep sees it. */
  list(): ListedObject[] {
    return [...this.#keys].flatMap(([key, versions]) => {
      const current = versions.at(-1);
      return current ? [{ bucket: this.name, key, versionId: current.versionId, writtenMs: current.writtenMs }] : [];
    });
  }

  store(process: Process, prefix: string, written: (bytes: Uint8Array) => void = () => {}): ObjectStore {
    return {
      putIfAbsent: (key, body) =>
        process.call(`PutObject ${prefix}${key.slice(0, 8)}`, () => {
          if (this.#keys.get(prefix + key)?.length) return 'present';
          const bytes = Buffer.from(body);
          this.put(prefix + key, bytes);
          written(bytes);
          return 'written';
        }),
    };
  }

  read({ key, versionId }: ObjectAddress): Uint8Array | undefined {
    return this.#keys.get(key)?.find((version) => version.versionId === versionId)?.bytes;
  }

  remove({ key, versionId }: ObjectAddress): void {
    if (this.#lies.immortal) return;
    this.#keys.set(key, this.#keys.get(key)?.filter((version) => version.versionId !== versionId) ?? []);
  }
}

export function readerOf(process: Process, buckets: readonly Bucket[]): ObjectReader {
  const bucketOf = (address: ObjectAddress) => buckets.find(({ name }) => name === address.bucket)!;
  return {
    open: (address) =>
      process.call(`GetObject ${address.key.slice(0, 30)}`, () => {
        const bytes = bucketOf(address).read(address);
        return bytes && { bytes: pieces(process, bytes) };
      }),
    remove: (address) => process.call(`DeleteObject ${address.key.slice(0, 30)}`, () => bucketOf(address).remove(address)),
  };
}

/** The body of an object comes in pieces, and may break off. */
async function* pieces(process: Process, bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const size = Math.max(1, Math.ceil(bytes.length / 3));
  for (let at = 0; at < bytes.length; at += size) yield await process.call('a read', () => bytes.subarray(at, at + size));
}

type Claim = { readonly leaseEndsAtMs: number } | { readonly result: OnceResult };

/** The claims table, which outlives every process. Three operations: claim, confirm, give back; as Powertools does them over DynamoDB. */
export class ClaimsTable {
  readonly #claims = new Map<string, Claim>();
  readonly #world: World;
  readonly #forgetful: boolean;

  constructor(world: World, forgetful = false) {
    this.#world = world;
    this.#forgetful = forgetful;
  }

  once(process: Process): Once {
    return {
      run: async <Result extends OnceResult>(id: string, lease: { readonly endsAtMs: number }, work: () => Promise<Result>) => {
        const existing = await process.call(`claim ${id.slice(0, 8)}`, () => {
          const found = this.#claims.get(id);
          if (found && ('result' in found || found.leaseEndsAtMs > this.#world.clock.now())) return found;
          this.#claims.set(id, { leaseEndsAtMs: lease.endsAtMs });
          return undefined;
        });
        if (existing && 'result' in existing) return { ran: false, result: existing.result as Result };
        if (existing) throw new WorkInProgressError(id);
        let result: Result;
        try {
          result = await work();
        } catch (error) {
          await process.call(`give back ${id.slice(0, 8)}`, () => this.#claims.delete(id));
          throw error;
        }
        await process.call(`confirm ${id.slice(0, 8)}`, () => {
          if (!this.#forgetful) this.#claims.set(id, { result });
        });
        return { ran: true, result };
      },
    };
  }
}

/** The checkpoints table, which outlives every process. */
export class CheckpointsTable {
  readonly #items = new Map<string, Checkpoint>();

  #at(id: string): Checkpoint {
    return this.#items.get(id) ?? { steps: 0, done: false, attempts: 0 };
  }

  checkpoints(process: Process): Checkpoints {
    const change = (what: string, id: string, make: (now: Checkpoint) => Checkpoint) =>
      process.call(`${what} ${id.slice(0, 8)}`, () => {
        this.#items.set(id, make(this.#at(id)));
        return this.#at(id);
      });
    return {
      begin: (id) => change('begin', id, (now) => ({ ...now, attempts: now.attempts + 1 })),
      advance: async (id, steps) => {
        await change('advance', id, (now) => (steps >= now.steps ? { ...now, steps, attempts: 0 } : now));
      },
      excuse: async (id) => {
        await change('excuse', id, (now) => ({ ...now, attempts: 0 }));
      },
      finish: async (id) => {
        await change('finish', id, (now) => ({ ...now, done: true, attempts: 0 }));
      },
    };
  }
}
