export {
  type CallOptions,
  type ClusterEndpoint,
  createKubeClient,
  type KubeClient,
  type ListOptions,
  type LogQuestion,
  type LogText,
  type Right,
  type Subject,
} from './client.ts';
export { KubeConnectionError, KubeStatusError } from './errors.ts';
export { readKubeconfig } from './kubeconfig.ts';
export {
  type CollectionReference,
  describeObject,
  type JsonValue,
  type KubeObject,
  type ObjectReference,
  type OwnerReference,
} from './object.ts';
