import { detailsUidOf } from '../audit/key.ts';
import type { FalcoAlert } from '../falco/alert.ts';
import type { ObjectReference } from '../platform/kube/index.ts';
import { fieldText } from './fields.ts';
import { isRuntimeAlert, podOf } from './runtime-alert.ts';

/** The object an alert is about. */
export interface Target extends ObjectReference {
  /** `exec`, `portforward`, `ephemeralcontainers`, …: what of the object the caller asked for. */
  readonly subresource?: string;
  /** The object's UID as the audit event told it. Absent for calls whose answer does not carry the object (exec, reads). */
  readonly uid?: string;
}

/** Subresources whose answer is the object itself, so that its `metadata.uid` is the target's. */
const ANSWERED_WITH_THE_OBJECT = new Set(['status', 'ephemeralcontainers', 'resize']);

/**
 * What an alert is about: the pod of a runtime alert; else the object of the audited call, from the fields of the append_output configuration. `missing`
 * names what the alert lacks. An object created with `generateName` has its name only in the answer (`ka.resp.name`).
 */
export function targetOf(alert: FalcoAlert): { readonly target: Target } | { readonly missing: readonly string[] } {
  const runtime = isRuntimeAlert(alert);
  const unusable = (runtime ? NAMES_OF_A_POD : NAMES).filter((field) => !isSegment(fieldText(alert, field) ?? 'none'));
  if (unusable.length > 0) return { missing: unusable };
  if (runtime) return podOf(alert);
  const resource = fieldText(alert, 'ka.target.resource');
  const name = fieldText(alert, 'ka.target.name') ?? fieldText(alert, 'ka.resp.name');
  const apiVersion = fieldText(alert, 'tiercel.apiversion');
  if (!resource || !name || !apiVersion) {
    const missing = [
      ...(resource ? [] : ['ka.target.resource']),
      ...(name ? [] : ['ka.target.name']),
      ...(apiVersion ? [] : ['tiercel.apiversion']),
    ];
    return { missing };
  }
  const namespace = fieldText(alert, 'ka.target.namespace');
  const subresource = fieldText(alert, 'ka.target.subresource');
  const uid = uidOf(alert, subresource);
  return {
    target: {
      apiGroup: fieldText(alert, 'tiercel.apigroup') ?? '',
      apiVersion,
      resource,
      // A namespace names itself as its namespace in some events; it is cluster-scoped all the same.
      ...(namespace !== undefined && resource !== 'namespaces' ? { namespace } : {}),
      name,
      ...(subresource === undefined ? {} : { subresource }),
      ...(uid === undefined ? {} : { uid }),
    },
  };
}

/** Fields of which a path of the Kubernetes API is made. */
const NAMES = ['ka.target.resource', 'ka.target.name', 'ka.resp.name', 'ka.target.namespace', 'tiercel.apigroup', 'tiercel.apiversion'];
const NAMES_OF_A_POD = ['k8s.pod.name', 'k8s.ns.name'];
/** Names of most kinds end at 253 bytes, those of roles and bindings nowhere. This long a name still fits into an entry of the journal, as often as it stands there. */
const MAX_NAME_BYTES = 8 * 1024;

/** Whether Kubernetes would take this for a name. A request may name anything, and is answered 404; what is no name must not be asked for, nor counted by. */
function isSegment(text: string): boolean {
  return text !== '.' && text !== '..' && !/[/%]/.test(text) && text.isWellFormed() && Buffer.byteLength(text) <= MAX_NAME_BYTES;
}

/** Only what the MAC covers. */
function uidOf(alert: FalcoAlert, subresource: string | undefined): string | undefined {
  const isTheObject = subresource === undefined || ANSWERED_WITH_THE_OBJECT.has(subresource);
  const responseUid = fieldText(alert, 'tiercel.uid') ?? '';
  const detailsUid = detailsUidOf({
    verb: fieldText(alert, 'ka.verb') ?? '',
    responseUid,
    detailsUid: fieldText(alert, 'tiercel.details_uid') ?? '',
  });
  return (isTheObject ? responseUid : '') || detailsUid || fieldText(alert, 'tiercel.ref_uid');
}
