import { TiercelError } from '../errors.ts';

/** The API server said no. `reason` is Kubernetes' own (`Forbidden`, `Conflict`, …). */
export class KubeStatusError extends TiercelError {
  readonly status: number;
  readonly reason: string;
  /** The server's own message, without the address. */
  readonly detail: string;
  /** What the server wants to be left alone for, milliseconds. */
  readonly waitMs: number | undefined;

  constructor(what: string, status: number, reason: string, detail: string, waitMs?: number) {
    const retryable = status === 429 || status >= 500 || status === 408;
    super(
      'KUBE_STATUS',
      `${what}: the API server answered ${status}${reason ? ` ${reason}` : ''}: ${detail || '(no message)'}${remedy(status)}`,
      { retryable },
    );
    this.status = status;
    this.reason = reason;
    this.detail = detail;
    this.waitMs = waitMs;
  }
}

/** A list that does not end within reason: what is in it was not read to the end, so nothing may be concluded from it. */
export class KubeListTooLongError extends TiercelError {
  constructor(what: string, pages: number) {
    super(
      'KUBE_LIST',
      `${what}: expected at most ${pages} pages, there are more. Nothing is decided on a list that was not read to its end.`,
    );
  }
}

/** No answer, or none that can be read. Whether a write took effect is not known: look before doing it again. */
export class KubeConnectionError extends TiercelError {
  /** Whether there was a connection, and no answer came over it in time. */
  readonly silent: boolean;

  constructor(what: string, why: string, cause?: unknown, silent = false) {
    super(
      'KUBE_CONNECTION',
      `${what}: expected an answer from the API server, ${why}. Check the endpoint, its certificate authority, and the network in between.`,
      {
        retryable: true,
        cause,
      },
    );
    this.silent = silent;
  }
}

function remedy(status: number): string {
  if (status === 401)
    return '. The cluster does not know this identity: check the access entry (or aws-auth) and the cluster name in the token.';
  if (status === 403) return '. Grant the verb in the RBAC manifest that is generated for the enabled policies, and apply it.';
  return '';
}
