import type { ActionCatalogue } from '../action/action.ts';
import { compileCondition } from './condition.ts';
import { type Fault, faultsFrom } from './fault.ts';

type Members = Readonly<Record<string, unknown>>;

/** Whether alerts can have a field of this name. */
export type IsField = (name: string) => boolean;

/**
 * What no schema can say about a policy: what its parts mean for each other and for the actions. Looks at whatever of it is well-formed, so that one
 * slip hides no other.
 */
export function checkPolicy(raw: unknown, actions: ActionCatalogue, isField: IsField = () => true): readonly Fault[] {
  const policy = membersOf(raw) ?? {};
  const match = membersOf(policy.match) ?? {};
  const steps = (Array.isArray(policy.actions) ? policy.actions : []).map((step) => {
    const { action, with: parameters } = membersOf(step) ?? {};
    return { name: typeof action === 'string' ? action : undefined, parameters };
  });
  const faults: Fault[] = [];
  for (const [order, { name, parameters }] of steps.entries()) {
    if (name === undefined) continue;
    faults.push(...checkStep(name, parameters, ['actions', order], actions));
    if (steps.findIndex((other) => other.name === name) < order)
      faults.push({
        path: ['actions', order, 'action'],
        message: 'expected each action at most once: one happening leads to an action once',
      });
    if (policy.ttl !== undefined && actions.get(name)?.undo === 'operator')
      faults.push({ path: ['actions', order, 'action'], message: `${name} cannot be taken back by respond, so it cannot have a ttl` });
  }
  const changing = steps.filter(({ name }) => name !== undefined && actions.get(name)?.undo !== 'none');
  if (policy.approval !== undefined && changing.length !== 1)
    faults.push({
      path: ['approval'],
      message:
        'approval: expected exactly one action that changes something in the cluster: an approval is for one thing, and the others do not wait for it',
    });
  if (policy.unsigned === 'allow' && match.source === undefined)
    faults.push({ path: ['unsigned'], message: 'expected `match.source` beside `unsigned: allow`: name the one road that is trusted' });
  if (typeof match.condition === 'string') faults.push(...checkCondition(match.condition, isField));
  return faults;
}

function checkStep(name: string, parameters: unknown, path: readonly PropertyKey[], actions: ActionCatalogue): readonly Fault[] {
  const action = actions.get(name);
  if (!action)
    return [{ path: [...path, 'action'], message: `no action is named ${name}; there are ${[...actions.keys()].sort().join(', ')}` }];
  // What is no map at all is for the schema to say.
  if (parameters !== undefined && membersOf(parameters) === undefined) return [];
  const parsed = action.parameters.safeParse(parameters ?? {});
  if (parsed.success) return [];
  return faultsFrom(parsed.error.issues, [...path, parameters === undefined ? 'action' : 'with'], `parameters of ${name}: `);
}

function checkCondition(text: string, isField: IsField): readonly Fault[] {
  const path = ['match', 'condition'];
  const compiled = compileCondition(text);
  if ('problem' in compiled) return [{ path, byte: compiled.problem.offset, message: `condition: ${compiled.problem.message}` }];
  return compiled.fields
    .filter(({ name }) => !isField(name))
    .map(({ name, offset }) => ({ path, byte: offset, message: `condition: no alert has a field ${name}, so this never matches` }));
}

function membersOf(value: unknown): Members | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined;
}
