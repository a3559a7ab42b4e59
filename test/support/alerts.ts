import type { FalcoAlert, FieldValue } from '../../shared/falco/alert.ts';

/** The time at which the sample alerts happened. */
export const ALERT_TIME_MS = Date.parse('2026-11-21T08:24:54.747Z');

/** What Falcosidekick makes of a long text when the payload exceeds 4,096 bytes. */
export const cut = (text: string): string => `${text.padEnd(507, 'x').slice(0, 507)}[...]`;

/**
 * A real alert (Falco 0.44 with the append_output configuration): an administrator binds cluster-admin to a service account.
 * Tests change only what they are about.
 */
export function bindingAlert(fields: Readonly<Record<string, FieldValue>> = {}, alert: Partial<FalcoAlert> = {}): FalcoAlert {
  return {
    hostname: 'falco-0',
    output: 'Cluster Role Binding to cluster-admin role (user=kubernetes-admin)',
    priority: 'Warning',
    rule: 'Attach to cluster-admin Role',
    source: 'k8s_audit',
    tags: ['k8s'],
    time: '2026-11-21T08:24:54.747143000Z',
    ...alert,
    output_fields: {
      'evt.time': 1795249494747143000n,
      'ka.auditid': 'f60d7af0-96b5-40b8-a8ac-456fc6ef7e75',
      'ka.auth.decision': 'allow',
      'ka.auth.reason': '',
      'ka.cluster.name': 'prod-1',
      'ka.impuser.name': null,
      'ka.req.binding.role': 'cluster-admin',
      'ka.resp.name': 'pwn-43',
      'ka.response.code': '201',
      'ka.response.reason': null,
      'ka.stage': 'ResponseComplete',
      'ka.target.name': 'pwn-43',
      'ka.target.namespace': null,
      'ka.target.resource': 'clusterrolebindings',
      'ka.target.subresource': null,
      'ka.uri': '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
      'ka.user.groups': ['developers', 'system:authenticated'],
      'ka.user.name': 'mallory',
      'ka.useragent': 'kubectl/v1.34.4',
      'ka.verb': 'create',
      'tiercel.account': '<NA>',
      'tiercel.apigroup': 'rbac.authorization.k8s.io',
      'tiercel.apiversion': 'v1',
      'tiercel.details_uid': '<NA>',
      'tiercel.dryrun': '<NA>',
      'tiercel.mac': '<NA>',
      'tiercel.owner_kind': '<NA>',
      'tiercel.received': '2026-11-21T08:24:54.744636Z',
      'tiercel.ref_uid': '<NA>',
      'tiercel.region': '<NA>',
      'tiercel.resourceversion': '1695',
      'tiercel.stage_time': '2026-11-21T08:24:54.747143Z',
      'tiercel.truncated': '<NA>',
      'tiercel.uid': 'f95eb877-a056-424d-89a4-27b2ab04bae2',
      ...fields,
    },
  };
}

/** An alert of Falco on a node: a shell in a container of a pod. */
export function shellAlert(fields: Readonly<Record<string, FieldValue>> = {}, alert: Partial<FalcoAlert> = {}): FalcoAlert {
  return {
    hostname: 'node-1',
    output: 'A shell was spawned in a container',
    priority: 'Notice',
    rule: 'Terminal shell in container',
    source: 'syscall',
    tags: ['container', 'shell'],
    time: '2026-11-21T08:24:54.747143000Z',
    ...alert,
    output_fields: {
      cluster: 'prod-1',
      'container.id': '1a2b3c4d5e6f',
      'evt.time': 1795249494747143000n,
      'k8s.ns.name': 'prod',
      'k8s.pod.name': 'web-1',
      'k8s.pod.uid': '6f0c2d56-7a44-4c33-8a4c-0e7c15c9d6b1',
      'proc.cmdline': 'bash -c secret',
      'user.name': 'root',
      ...fields,
    },
  };
}

/** As it travels: JSON text, nanoseconds as a plain number. */
export function alertText(alert: FalcoAlert): string {
  return JSON.stringify(alert, (_key, value) => (typeof value === 'bigint' ? Number(value) : value));
}
