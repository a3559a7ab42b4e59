/** One object of the Kubernetes API, as URLs name it. */
export interface ObjectReference {
  /** Empty for the core group. */
  readonly apiGroup: string;
  readonly apiVersion: string;
  /** Plural, lower case: `pods`, `clusterrolebindings`. */
  readonly resource: string;
  /** Absent for cluster-scoped objects. */
  readonly namespace?: string;
  readonly name: string;
}

/** A collection, as URLs name it. */
export type CollectionReference = Omit<ObjectReference, 'name'>;

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** RFC 3339, whole seconds, cut not rounded. */
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  /** While there are any, a deleted object stays, with its `deletionTimestamp` set. */
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

/** What the API server sends for one object; only the metadata is known. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [member: string]: unknown;
}

/** Path of an object. Names are data: whatever is in them stays one segment. */
export function pathOf(object: ObjectReference): string {
  return `${collectionPath(object)}/${segment(object.name)}`;
}

export function collectionPath({ apiGroup, apiVersion, resource, namespace }: CollectionReference): string {
  const root = apiGroup === '' ? `/api/${segment(apiVersion)}` : `/apis/${segment(apiGroup)}/${segment(apiVersion)}`;
  return `${root}${namespace === undefined ? '' : `/namespaces/${segment(namespace)}`}/${segment(resource)}`;
}

/** `.` and `..` would be folded into the path by whoever normalises it, and an empty segment would name the collection. */
function segment(text: string): string {
  if (text === '' || text === '.' || text === '..')
    throw new RangeError(`Expected a name for a path of the Kubernetes API, got ${JSON.stringify(text)}.`);
  return encodeURIComponent(text);
}

/** `pods prod/web`, `clusterrolebindings.rbac.authorization.k8s.io pwn`: for people. */
export function describeObject(object: ObjectReference): string {
  const kind = object.apiGroup === '' ? object.resource : `${object.resource}.${object.apiGroup}`;
  return `${kind} ${object.namespace === undefined ? '' : `${object.namespace}/`}${object.name}`;
}
