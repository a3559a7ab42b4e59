import type { Action, ActionCatalogue } from './action.ts';
import { deleteBinding } from './delete-binding.ts';
import { deleteObject } from './delete-object.ts';
import { isolatePod } from './isolate-pod.ts';
import { label } from './label.ts';

/** Every action there is, one line each. */
const ACTIONS: readonly Action[] = [deleteBinding, deleteObject, isolatePod, label];

export const actionCatalogue: ActionCatalogue = new Map(ACTIONS.map((action) => [action.name, action]));
