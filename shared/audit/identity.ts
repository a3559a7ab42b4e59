import type { ClusterIdentity } from './record.ts';

/** Streams of the Kubernetes audit log among those of the control plane (`kube-apiserver-` alone is the API server's text log). */
const AUDIT_STREAM = 'kube-apiserver-audit-';

const EKS_GROUP = /^\/aws\/eks\/([^/]+)\/cluster$/;

export function isAuditStream(logStream: string): boolean {
  return logStream.startsWith(AUDIT_STREAM);
}

/** Whose events a log group holds. What the operator says (`stated`) wins over what the names say. */
export function identityOf(logGroup: string, account: string, stated: ClusterIdentity): ClusterIdentity {
  const cluster = EKS_GROUP.exec(logGroup)?.[1];
  return { ...(cluster === undefined ? {} : { cluster }), ...(account === '' ? {} : { account }), ...stated };
}
