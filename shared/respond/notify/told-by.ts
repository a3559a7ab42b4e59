import type { Policy } from '../policy/schema.ts';

/** Every channel a policy names: in its `notify`, and in the steps that say something. */
export function channelsToldBy({ notify, actions }: Policy): readonly string[] {
  const steps = actions
    .filter(({ action }) => action === 'notify')
    .flatMap(({ with: given }) => (given?.channels ?? []) as readonly string[]);
  return [...new Set([...(notify?.channels ?? []), ...steps])];
}
