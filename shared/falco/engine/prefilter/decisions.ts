import type { EventContext } from '../accept/index.ts';
import { ABSENT } from '../document/index.ts';
import { STEP_PATHS, STEPS, type Step } from './cheap.ts';
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

  /** The step after which no rule can match any more; undefined when one may. */
  droppedAt(event: EventContext): Step | undefined {
    let node = this.#root;
    for (let step = 0; step < LAST; step++) {
      const value = step === 0 ? (event.hasAuditId ? 'present' : undefined) : textAt(event, step);
      node = node.next.get(value) ?? this.#grow(node, value, step, event);
      if (node.open.length === 0) return STEPS[step];
    }
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

/** What all fields see that read the path of a step: both plugins find the same text there. */
function textAt(event: EventContext, step: number): string | undefined {
  const view = event.plain;
  const [first, second] = STEP_PATHS[step]!;
  const outer = view.get(view.root, first);
  const value = second === undefined ? outer : view.get(outer, second);
  return value === ABSENT ? undefined : view.text(value);
}
