import type { Action, ActionCatalogue } from './action.ts';
import { captureEvidence } from './capture-evidence.ts';
import { deleteBinding } from './delete-binding.ts';
import { deleteObject } from './delete-object.ts';
import { isolatePod } from './isolate-pod.ts';
import { label } from './label.ts';
import { notify } from './notify.ts';

/** Every action there is, one line each. */
const ACTIONS: readonly Action[] = [captureEvidence, deleteBinding, deleteObject, isolatePod, label, notify];

export const actionCatalogue: ActionCatalogue = new Map(ACTIONS.map((action) => [action.name, action]));
