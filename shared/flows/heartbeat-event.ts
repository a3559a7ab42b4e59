import type { Random } from '../platform/clock.ts';
import type { Beat } from './heartbeats.ts';

/** Taken for an audit stream by CloudWatch subscription and decoding alike; of a cluster's own streams none ends so. */
export const HEARTBEAT_LOG_STREAM = 'kube-apiserver-audit-tiercel-heartbeat';

/** A new beat. Its id is the `auditID` of its event, which every alert carries and the MAC covers. */
export function newBeat(random: Random, sentAtMs: number): Beat {
  return { id: `tiercel-heartbeat-${random.hex(16)}`, sentAtMs };
}

/**
 * The audit event of a beat: whole, small, and like nothing a client can bring about, since no request can set annotations, and admission, which may, is not asked about a URI that is no resource.
 * The heartbeat rule wants the URI and the annotation; the user is a `system:` one, so that rules about strangers stay silent.
 */
export function heartbeatEvent({ id, sentAtMs }: Beat): string {
  const at = new Date(sentAtMs).toISOString();
  // In the order in which an API server writes the members.
  return JSON.stringify({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: id,
    stage: 'ResponseComplete',
    requestURI: '/tiercel.dev/heartbeat',
    verb: 'get',
    user: { username: 'system:serviceaccount:tiercel:heartbeat', groups: ['system:serviceaccounts', 'system:authenticated'] },
    sourceIPs: ['127.0.0.1'],
    userAgent: 'tiercel-heartbeat',
    responseStatus: { metadata: {}, code: 200 },
    requestReceivedTimestamp: at,
    stageTimestamp: at,
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '', 'tiercel.dev/heartbeat': id },
  });
}
