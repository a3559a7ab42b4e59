import { type LiveGuard, pass, refuse } from './guard.ts';

/** An operator who takes a deletion back makes the same call again that set it off. */
export const notRestored: LiveGuard = {
  name: 'not-restored',
  summary: 'The object is not one that an undo has just brought back.',
  ask: ({ restoredBy }) =>
    restoredBy === undefined ? pass('no undo brought it back') : refuse(`the undo of response ${restoredBy} brought it back`),
};
