import { type Clock, systemRandom } from '../platform/clock.ts';
import { createMemoryOnce } from '../platform/once.ts';
import { actionCatalogue, createMemoryBudgets, createMemoryJournal, createMemoryModeSwitch, type PolicySet } from '../respond/index.ts';
import type { RespondDeps } from './respond.ts';

/**
 * Everything respond needs, remembered by this process alone: for the demo, the command line and tests.
 * What is left out is cautious: shadow, no cluster to look at, no key that could verify an alert.
 */
export function respondInMemory(
  set: PolicySet,
  clock: Clock,
  options: Partial<
    Pick<RespondDeps, 'ceiling' | 'clusters' | 'macKeys' | 'principal' | 'evidence' | 'channels' | 'stage' | 'onNotice'>
  > = {},
): RespondDeps {
  return {
    clock,
    random: systemRandom,
    set,
    actions: actionCatalogue,
    once: createMemoryOnce(clock),
    journal: createMemoryJournal(clock),
    budgets: createMemoryBudgets(clock),
    modeSwitch: createMemoryModeSwitch(),
    ceiling: 'shadow',
    clusters: { clientFor: async () => ({ why: 'no cluster is configured' }) },
    macKeys: [],
    principal: {},
    ...options,
  };
}
