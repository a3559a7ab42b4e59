import type { EventContext } from '../accept/index.ts';
import { ABSENT, type JsonDocument, type Value } from '../document/index.ts';

/** Where in the event a path of keys leads. Fields share the beginnings of their paths, so each step is walked once per event. */
export interface Path {
  find(event: EventContext): Value;
}

/** All paths that a set of conditions and outputs reads, by plugin view. */
export class Paths {
  readonly #audit: Step = new Step(undefined, '', (event) => event.audit);
  readonly #plain: Step = new Step(undefined, '', (event) => event.plain);

  /** Path in the view of the k8saudit plugin. */
  audit(...keys: readonly string[]): Path {
    return keys.reduce<Step>((step, key) => step.child(key), this.#audit);
  }

  /** Path in the view of the json plugin. */
  plain(...keys: readonly string[]): Path {
    return keys.reduce<Step>((step, key) => step.child(key), this.#plain);
  }
}

class Step implements Path {
  readonly #parent: Step | undefined;
  readonly #key: string;
  readonly #view: (event: EventContext) => JsonDocument;
  readonly #children = new Map<string, Step>();
  #epoch = 0;
  #value: Value = ABSENT;

  constructor(parent: Step | undefined, key: string, view: (event: EventContext) => JsonDocument) {
    this.#parent = parent;
    this.#key = key;
    this.#view = view;
  }

  child(key: string): Step {
    let child = this.#children.get(key);
    if (!child) {
      child = new Step(this, key, this.#view);
      this.#children.set(key, child);
    }
    return child;
  }

  find(event: EventContext): Value {
    if (this.#epoch === event.epoch) return this.#value;
    const view = this.#view(event);
    this.#value = this.#parent ? view.get(this.#parent.find(event), this.#key) : view.root;
    this.#epoch = event.epoch;
    return this.#value;
  }
}
