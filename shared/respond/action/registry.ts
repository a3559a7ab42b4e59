import type { Action, ActionCatalogue } from './action.ts';
import { deleteBinding } from './delete-binding.ts';

/** Every action there is, one line each. */
const ACTIONS: readonly Action[] = [deleteBinding];

export const actionCatalogue: ActionCatalogue = new Map(ACTIONS.map((action) => [action.name, action]));
