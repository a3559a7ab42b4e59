import { upToNul } from '../bytes.ts';
import { ABSENT } from '../document/index.ts';
import type { Paths } from './paths.ts';
import { textAt, textsAt } from './read.ts';
import type { FieldRow, Reader } from './row.ts';
import { bindingSubjects, type SubjectKind } from './subjects.ts';
import { queryParameter } from './uri.ts';

/** A text field without argument at a fixed path of the audit event. */
function text(name: string, keys: readonly string[], description: string): FieldRow {
  return {
    name,
    type: 'string',
    list: false,
    argument: 'none',
    description,
    reads: () => keys,
    bind: (_, paths) => textAt(paths, ...keys),
  };
}

/** A list field without argument: the elements of the array at a fixed path. */
function texts(name: string, keys: readonly string[], description: string): FieldRow {
  return {
    name,
    type: 'string',
    list: true,
    argument: 'none',
    description,
    reads: () => keys,
    bind: (_, paths) => textsAt(paths, ...keys),
  };
}

function subjects(name: string, kind: SubjectKind, description: string): FieldRow {
  return { name, type: 'string', list: true, argument: 'none', description, bind: (_, paths) => bindingSubjects(paths, kind) };
}

const SPEC = ['requestObject', 'spec'] as const;

/** Fields of the k8saudit plugin that are not about a pod's containers, volumes or a role's rules. */
export const KUBERNETES_FIELDS: readonly FieldRow[] = [
  text('ka.auditid', ['auditID'], 'Id of the request, the same in all its stages; chosen by the client if it sends one.'),
  text('ka.stage', ['stage'], 'Stage of the request: RequestReceived, ResponseStarted, ResponseComplete or Panic.'),
  text(
    'ka.verb',
    ['verb'],
    'What was asked for: get, list, watch, create, update, patch, delete, deletecollection, or an HTTP method in lower case.',
  ),
  text('ka.uri', ['requestURI'], 'Request URI as the client sent it.'),
  {
    name: 'ka.uri.param',
    type: 'string',
    list: false,
    argument: 'key',
    description: 'First value of the named query parameter of the URI. A query with a bad escape or a semicolon has no parameters.',
    reads: () => ['requestURI'],
    bind: bindQueryParameter,
  },
  text('ka.useragent', ['userAgent'], "The client's User-Agent header."),
  text('ka.auth.decision', ['annotations', 'authorization.k8s.io/decision'], 'What the authorizer decided: allow or forbid.'),
  text('ka.auth.reason', ['annotations', 'authorization.k8s.io/reason'], 'Which role or binding decided.'),
  text('ka.auth.openshift.decision', ['annotations', 'authentication.openshift.io/decision'], 'Authentication decision (OpenShift only).'),
  text('ka.auth.openshift.username', ['annotations', 'authentication.openshift.io/username'], 'Authenticated user (OpenShift only).'),
  text(
    'ka.validations.admission.policy.failure',
    ['annotations', 'validation.policy.admission.k8s.io/validation_failure'],
    'What a ValidatingAdmissionPolicy objected to.',
  ),
  text(
    'ka.security.pod.violations',
    ['annotations', 'pod-security.kubernetes.io/audit-violations'],
    'Pod Security Standards the pod breaks.',
  ),
  text('ka.cluster.name', ['annotations', 'cluster_name'], 'Name of the cluster, stamped on the event on its way.'),
  text('ka.user.name', ['user', 'username'], 'User who made the request.'),
  texts('ka.user.groups', ['user', 'groups'], 'Groups the user belongs to.'),
  text('ka.impuser.name', ['impersonatedUser', 'username'], 'User that was impersonated.'),
  text('ka.target.name', ['objectRef', 'name'], 'Name of the object of the request.'),
  text('ka.target.namespace', ['objectRef', 'namespace'], 'Namespace of the object of the request.'),
  text('ka.target.resource', ['objectRef', 'resource'], 'Resource of the request, in plural: pods.'),
  text('ka.target.subresource', ['objectRef', 'subresource'], 'Subresource of the request: exec, log, status.'),
  {
    name: 'ka.target.pod.name',
    type: 'string',
    list: false,
    argument: 'none',
    description: "The pod's name as the response has it, for requests on pods themselves (no subresource).",
    bind: bindTargetPod,
  },
  texts('ka.req.binding.subjects', ['requestObject', 'subjects'], 'Subjects of a (cluster) role binding, each as JSON text.'),
  subjects('ka.req.binding.subjects.user_names', 'User', 'Names of the users among the subjects of a binding.'),
  subjects('ka.req.binding.subjects.group_names', 'Group', 'Names of the groups among the subjects of a binding.'),
  subjects(
    'ka.req.binding.subjects.serviceaccount_names',
    'ServiceAccount',
    'Names of the service accounts among the subjects of a binding.',
  ),
  subjects(
    'ka.req.binding.subjects.serviceaccount_ns_names',
    'NamespacedServiceAccount',
    'Service accounts among the subjects of a binding as namespace:name; those without a namespace are left out.',
  ),
  text('ka.req.binding.role', ['requestObject', 'roleRef', 'name'], 'Role that a binding refers to.'),
  {
    name: 'ka.req.binding.subject.has_name',
    type: 'string',
    list: false,
    argument: 'key',
    description: 'Deprecated: always true.',
    bind: (_, paths) => {
      void paths;
      return () => 'true';
    },
  },
  text('ka.req.configmap.name', ['objectRef', 'name'], 'Same as ka.target.name, whatever the resource.'),
  text(
    'ka.req.configmap.obj',
    ['requestObject', 'data'],
    "The request's data member as JSON text, whatever the resource; binaryData is not in it.",
  ),
  text('ka.req.pod.host_ipc', [...SPEC, 'hostIPC'], "The pod's hostIPC, if the client sent it."),
  text('ka.req.pod.host_network', [...SPEC, 'hostNetwork'], "The pod's hostNetwork, if the client sent it."),
  text('ka.req.container.host_network', [...SPEC, 'hostNetwork'], 'Deprecated: ka.req.pod.host_network.'),
  text('ka.req.pod.host_pid', [...SPEC, 'hostPID'], "The pod's hostPID, if the client sent it."),
  text('ka.req.pod.run_as_user', [...SPEC, 'securityContext', 'runAsUser'], "User id of the pod's security context."),
  text('ka.req.pod.run_as_group', [...SPEC, 'securityContext', 'runAsGroup'], "Group id of the pod's security context."),
  text('ka.req.pod.fs_group', [...SPEC, 'securityContext', 'fsGroup'], "fsGroup of the pod's security context."),
  texts(
    'ka.req.pod.supplemental_groups',
    [...SPEC, 'securityContext', 'supplementalGroups'],
    "Supplemental groups of the pod's security context.",
  ),
  text('ka.req.service.type', [...SPEC, 'type'], "The service's type."),
  texts('ka.req.role.rules', ['requestObject', 'rules'], 'Rules of a (cluster) role, each as JSON text.'),
  text(
    'ka.resp.name',
    ['responseObject', 'metadata', 'name'],
    'Name of the object in the response; needs the audit level RequestResponse.',
  ),
  text('ka.response.code', ['responseStatus', 'code'], 'HTTP status. A text: < and > compare it letter by letter.'),
  text('ka.response.reason', ['responseStatus', 'reason'], 'Reason of a failure: Forbidden, NotFound.'),
];

function bindQueryParameter(name: string | undefined, paths: Paths): Reader {
  const path = paths.audit('requestURI');
  return (event) => {
    const uri = path.find(event);
    if (uri === ABSENT) return undefined;
    const value = queryParameter(event.audit.rawText(uri), name ?? '')?.value;
    // A %00 ends the value on its way through C.
    return value === undefined ? undefined : upToNul(value);
  };
}

function bindTargetPod(_: string | undefined, paths: Paths): Reader {
  const resource = paths.audit('objectRef', 'resource');
  const subresource = paths.audit('objectRef', 'subresource');
  const name = textAt(paths, 'responseObject', 'metadata', 'name');
  return (event) => {
    const kind = resource.find(event);
    if (kind === ABSENT || !event.audit.isString(kind) || event.audit.rawText(kind) !== 'pods') return undefined;
    const part = subresource.find(event);
    if (part !== ABSENT && event.audit.isString(part) && event.audit.rawText(part) !== '') return undefined;
    return name(event);
  };
}
