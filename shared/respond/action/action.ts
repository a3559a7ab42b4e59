import type * as z from 'zod';
import type { FalcoAlert } from '../../falco/alert.ts';
import type { CollectionReference, KubeObject, ObjectReference } from '../../platform/kube/index.ts';
import type { Target } from '../target.ts';
import type { Effect } from './effect.ts';

/** A right in the cluster, as RBAC writes it. */
export interface Permission {
  readonly apiGroup: string;
  readonly resource: string;
  readonly verb: 'get' | 'list' | 'create' | 'patch' | 'delete';
  /** `look` rights are enough for shadow. */
  readonly use: 'look' | 'act';
}

/** What an action may read while it plans. */
export interface Reader {
  get(object: ObjectReference): Promise<KubeObject | undefined>;
  list(collection: CollectionReference): Promise<readonly KubeObject[]>;
}

export interface PlanInput {
  /** Id of the response, for names and annotations. */
  readonly id: string;
  readonly alert: FalcoAlert;
  readonly target: Target;
  /** The target as it is now; the guards have seen that it is the one of the alert. */
  readonly live: KubeObject;
  /** As the policy wrote them, already checked by the action's schema. */
  readonly parameters: unknown;
}

export type Plan =
  | { readonly effects: readonly Effect[] /** What people should know before they rely on it. */; readonly caveats: readonly string[] }
  /** Why nothing can be done that would be safe and work. */
  | { readonly refusal: string };

/** One thing that can be done about an alert. One file each; `registry.ts` lists them. */
export interface Action {
  readonly name: string;
  /** One sentence for people. */
  readonly summary: string;
  readonly parameters: z.ZodType;
  /** A policy's `with`, for the docs. */
  readonly example: Readonly<Record<string, unknown>>;
  /** Fields an alert must carry; without any of them the action is refused. */
  readonly needs: readonly string[];
  /**
   * `operator`: only with an operator's own rights (`tiercel undo`), because making what was deleted (a binding, a pod) is more than respond may do.
   * `none`: it changes nothing in a cluster, so there is nothing to take back, and nothing to ask a person for.
   */
  readonly undo: 'respond' | 'operator' | 'none';
  /** How it is taken back, for people. */
  readonly undoSummary: string;
  /** What of the alert's target the action cannot handle: a reason, or `undefined`. */
  readonly declines: (target: Target, alert: FalcoAlert, parameters: unknown) => string | undefined;
  /** What would be done, for people: `delete clusterrolebindings… pwn`. */
  readonly intent: (target: Target, parameters: unknown) => string;
  readonly permissions: (parameters: unknown) => readonly Permission[];
  /** Decides from what is there now. Reads only; the same cluster gives the same plan. */
  readonly plan: (input: PlanInput, reader: Reader) => Promise<Plan>;
}

export type ActionCatalogue = ReadonlyMap<string, Action>;
