/**
 * The base of every error this project throws on purpose.
 * `code` is stable, in capitals as Node's own, and may be alarmed on; `retryable` says whether the same call can succeed later without anybody changing anything.
 * The message says what was expected, what came, and what to do.
 */
export class TiercelError extends Error {
  readonly code: string;
  readonly retryable: boolean;

  constructor(code: string, message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** The text of anything thrown, for messages that wrap it. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
