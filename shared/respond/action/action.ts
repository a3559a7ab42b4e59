import type * as z from 'zod';
import type { FalcoAlert } from '../../falco/alert.ts';
import type { Target } from '../target.ts';

/** One thing that can be done to a cluster. One file each; `registry.ts` lists them. */
export interface Action {
  readonly name: string;
  /** One sentence for people. */
  readonly summary: string;
  readonly parameters: z.ZodObject;
  /** Fields an alert must carry; without any of them the action is refused. */
  readonly needs: readonly string[];
  /** What of the alert's target the action can handle: a reason not to, or `undefined`. */
  readonly declines: (target: Target, alert: FalcoAlert) => string | undefined;
  /** What would be done, for people: `delete clusterrolebindings… pwn`. */
  readonly intent: (target: Target) => string;
}

export type ActionCatalogue = ReadonlyMap<string, Action>;

/** What is wrong with a policy's use of an action; paths are relative to the policy's step. */
export function checkParameters(
  actions: ActionCatalogue,
  name: string,
  parameters: Readonly<Record<string, unknown>> | undefined,
): readonly { readonly path: readonly PropertyKey[]; readonly message: string }[] {
  const action = actions.get(name);
  if (!action) return [{ path: ['action'], message: `no action is named ${name}; there are ${[...actions.keys()].sort().join(', ')}` }];
  const parsed = action.parameters.safeParse(parameters ?? {});
  if (parsed.success) return [];
  return parsed.error.issues.map((issue) => ({
    path: parameters ? ['with', ...issue.path] : ['action'],
    message: `parameters of ${name}: ${issue.path.length > 0 ? `${issue.path.join('.')}: ` : ''}${issue.message}`,
  }));
}
