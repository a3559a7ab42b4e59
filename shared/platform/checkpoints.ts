/** How far a long piece of work has come. */
export interface Checkpoint {
  /** Steps at the beginning that are confirmed. */
  readonly steps: number;
  /** All of it is confirmed. */
  readonly done: boolean;
  /** Attempts since the last progress, the one that has just begun included. */
  readonly attempts: number;
}

/** Remembers how far each piece of work has come, over crashes and redeliveries. */
export interface Checkpoints {
  /** Begins an attempt. Counted before any work is done, so that work that kills the process is found out. */
  begin(id: string): Promise<Checkpoint>;
  /** The first `steps` steps are confirmed; attempts are counted anew. Never goes back. */
  advance(id: string, steps: number): Promise<void>;
  /** This attempt came to nothing for reasons that are not the work's own (receiver away, no time left): it does not count. */
  excuse(id: string): Promise<void>;
  finish(id: string): Promise<void>;
}

/** {@link Checkpoints} for one process: local stages, the fault harness. */
export function createMemoryCheckpoints(): Checkpoints {
  const items = new Map<string, Checkpoint>();
  const at = (id: string): Checkpoint => items.get(id) ?? { steps: 0, done: false, attempts: 0 };
  return {
    async begin(id) {
      const next = { ...at(id), attempts: at(id).attempts + 1 };
      items.set(id, next);
      return next;
    },
    async advance(id, steps) {
      items.set(id, { ...at(id), steps: Math.max(at(id).steps, steps), attempts: 0 });
    },
    async excuse(id) {
      items.set(id, { ...at(id), attempts: 0 });
    },
    async finish(id) {
      items.set(id, { ...at(id), done: true, attempts: 0 });
    },
  };
}
