import type { FalcoAlert } from '../falco/alert.ts';
import { fieldText } from './fields.ts';
import { isRuntimeAlert } from './runtime-alert.ts';

/** Who respond is in its clusters. Either way of naming it is enough. */
export interface Principal {
  /** Roles, not sessions of them (`arn:aws:iam::<account>:role/<name>`): its own, and those it takes in other accounts. */
  readonly roleArns?: readonly string[];
  /** User name of the access entry, without its session part. */
  readonly username?: string;
}

/** Whether respond itself made the audited call. */
export function ownCall(alert: FalcoAlert, principal: Principal): boolean {
  if (isRuntimeAlert(alert)) return false;
  const user = fieldText(alert, 'ka.user.name');
  // EKS makes the session's ARN the user name unless the access entry gives another.
  const arns = [fieldText(alert, 'tiercel.user_canonical_arn'), fieldText(alert, 'tiercel.user_arn'), user];
  const own = new Set((principal.roleArns ?? []).map(canonicalArn));
  if (arns.some((arn) => arn !== undefined && own.has(canonicalArn(arn)))) return true;
  return (
    principal.username !== undefined && user !== undefined && (user === principal.username || user.startsWith(`${principal.username}:`))
  );
}

/** An assumed role's session → the role; a role's path is dropped, because sessions do not carry it. */
export function canonicalArn(arn: string): string {
  const session = /^arn:([^:]+):sts::(\d+):assumed-role\/([^/]+)\/.+$/.exec(arn);
  if (session) return `arn:${session[1]}:iam::${session[2]}:role/${session[3]}`;
  return arn.replace(/^(arn:[^:]+:iam::\d+:role\/)(?:.*\/)?([^/]+)$/, '$1$2');
}
