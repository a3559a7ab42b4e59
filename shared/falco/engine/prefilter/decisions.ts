import type { EventContext } from '../accept/index.ts';
import type { MemberIndex } from '../document/index.ts';
import { STEPS, type Step } from './cheap.ts';
import { glance } from './glance.ts';
import { decide, FALSE, type Judgement, restrict } from './kleene.ts';

/** Most combinations of values that are remembered: whoever makes events chooses the values. Further ones are judged afresh. */
const MAX_REMEMBERED = 8192;

/** Longest value that is remembered, bytes. */
const LONGEST = 128;

/** What is left to ask of the rules that may still match once the values on the way here are known. */
interface Node {
  readonly open: readonly Judgement[];
  readonly next: Map<string | undefined, Node>;
}

const LAST = STEPS.length - 1;

/**
 * Which rules may match, asked step by step: for each combination of stage, verb, resource, subresource and user the rules it leaves open
 * are remembered, and for most combinations there are few.
 */
export class Decisions {
  readonly #root: Node;
  #remembered = 0;

  constructor(judgements: readonly Judgement[]) {
    this.#root = { open: judgements, next: new Map() };
  }

  /** The step after which no rule can match any more; undefined when one may. `newEvent` is called when a question has to be asked. */
  droppedAt(index: MemberIndex, newEvent: (index: MemberIndex) => EventContext): Step | undefined {
    let node = this.#root;
    let event: EventContext | undefined;
    for (let step = 0; step < LAST; step++) {
      const value = glance(index, step);
      const known = node.next.get(value);
      if (known) node = known;
      else {
        event ??= newEvent(index);
        node = this.#grow(node, value, step, event);
      }
      if (node.open.length === 0) return STEPS[step];
    }
    event ??= newEvent(index);
    for (const judgement of node.open) if (decide(judgement, event) !== FALSE) return undefined;
    return STEPS[LAST];
  }

  #grow(node: Node, value: string | undefined, step: number, event: EventContext): Node {
    const open = new Set<Judgement>();
    for (const judgement of node.open) {
      const restricted = restrict(judgement, event, step);
      if (restricted !== FALSE) open.add(restricted);
    }
    const grown: Node = { open: [...open], next: new Map() };
    if ((value === undefined || value.length <= LONGEST) && this.#remembered < MAX_REMEMBERED) {
      this.#remembered++;
      node.next.set(value, grown);
    }
    return grown;
  }
}
