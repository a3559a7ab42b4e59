import type { EventContext } from '../accept/index.ts';
import type { Extracted, Reader } from '../fields/index.ts';
import { REMEMBERED_STEPS, STEPS, type Step } from './cheap.ts';
import { FALSE, type Judgement } from './kleene.ts';

/** Most combinations of values that are remembered: whoever makes events chooses the values. Further ones are judged afresh. */
const MAX_REMEMBERED = 8192;

/** The rules that may still match once the values on the way here are known. */
interface Node {
  readonly open: readonly Judgement[];
  readonly next: Map<Extracted, Node>;
}

/**
 * Which rules may match, asked step by step: for each combination of stage, verb, resource and subresource the rules it leaves open are
 * remembered, and for most combinations that is none.
 */
export class Decisions {
  readonly #root: Node;
  readonly #steps: readonly Reader[];
  #remembered = 0;

  /** `steps`: what tells events apart at each remembered step. */
  constructor(judgements: readonly Judgement[], steps: readonly Reader[]) {
    this.#root = { open: judgements, next: new Map() };
    this.#steps = steps;
  }

  /** The step after which no rule can match any more; undefined when one may. */
  droppedAt(event: EventContext): Step | undefined {
    let node = this.#root;
    for (let step = 0; step < REMEMBERED_STEPS; step++) {
      const value = this.#steps[step]!(event);
      node = node.next.get(value) ?? this.#grow(node, value, step, event);
      if (node.open.length === 0) return STEPS[step];
    }
    for (const judge of node.open) if (judge(event, REMEMBERED_STEPS) !== FALSE) return undefined;
    return STEPS[REMEMBERED_STEPS];
  }

  #grow(node: Node, value: Extracted, step: number, event: EventContext): Node {
    const grown: Node = { open: node.open.filter((judge) => judge(event, step) !== FALSE), next: new Map() };
    const isShort = typeof value !== 'string' || value.length <= 64;
    if (isShort && this.#remembered < MAX_REMEMBERED) {
      this.#remembered++;
      node.next.set(value, grown);
    }
    return grown;
  }
}
