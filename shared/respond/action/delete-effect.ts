import type { KubeObject, ObjectReference } from '../../platform/kube/index.ts';
import type { Plan } from './action.ts';
import { type DeleteEffect, exactly, manifestOf } from './effect.ts';

/** The journal keeps the object for undo, and DynamoDB keeps at most 400 KB in an item. */
const MAX_SNAPSHOT_BYTES = 256 * 1024;

/** Plans the deletion of exactly the object that was looked at. */
export function planDeletion(
  target: ObjectReference,
  live: KubeObject,
  options: Pick<DeleteEffect, 'propagationPolicy' | 'releases'> & { gracePeriodSeconds?: number | undefined },
): Plan {
  const { finalizers = [], deletionTimestamp } = live.metadata;
  const releases = options.releases === true && finalizers.length > 0;
  if (deletionTimestamp !== undefined && !releases) return { refusal: `${live.metadata.name} is being deleted already` };
  const before = manifestOf(live);
  const size = Buffer.byteLength(JSON.stringify(before));
  if (size > MAX_SNAPSHOT_BYTES)
    return { refusal: `the object is too large to be kept for undo (${size} bytes, at most ${MAX_SNAPSHOT_BYTES})` };
  const effect: DeleteEffect = {
    verb: 'delete',
    ...exactly(target, live),
    propagationPolicy: options.propagationPolicy,
    ...(options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds }),
    ...(releases ? { releases } : {}),
    before,
  };
  const held = finalizers.length > 0 && !releases;
  return { effects: [effect], caveats: held ? [`finalizers may keep it (${finalizers.join(', ')}): it is gone only once they are`] : [] };
}
