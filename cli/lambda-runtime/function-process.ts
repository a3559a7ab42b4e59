import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type Answer, startRuntimeApi } from './server.ts';

/** What is run: an unpacked package, with what Lambda would know about it. */
export interface LocalFunction {
  readonly name: string;
  readonly handler: string;
  /** Folder the package was unpacked to; the working directory of the process. */
  readonly taskRoot: string;
  readonly memoryMiB: number;
  readonly timeoutSeconds: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly region: string;
  readonly account: string;
}

/** One answered event. Times in milliseconds. */
export interface Invocation {
  readonly answer: Answer | { readonly kind: 'timed-out'; readonly seconds: number } | { readonly kind: 'crashed'; readonly exit: string };
  /** From the start of the process to its first question for work; 0 for every event but the first. */
  readonly initMs: number;
  readonly durationMs: number;
}

/** Lambda gives a process this long to start. */
const INIT_TIMEOUT_SECONDS = 10;

/** Node's heap gets this share of the function's memory; the rest is for buffers and the runtime itself. */
const HEAP_SHARE = 0.9;

/**
 * Runs a function as Lambda does: one process, its environment and nothing of ours, one event after the other, ended at its time-out.
 * @param log gets what the function prints.
 */
export async function* runFunction(
  lambda: LocalFunction,
  events: readonly string[],
  log: (chunk: Buffer) => void,
): AsyncGenerator<Invocation, void> {
  const api = await startRuntimeApi(`arn:aws:lambda:${lambda.region}:${lambda.account}:function:${lambda.name}`);
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${Math.floor(lambda.memoryMiB * HEAP_SHARE)}`, join(import.meta.dirname, 'bootstrap.ts')],
    { cwd: lambda.taskRoot, env: { ...environmentOf(lambda), AWS_LAMBDA_RUNTIME_API: api.address }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  child.stdout.on('data', log);
  child.stderr.on('data', log);
  const ended = Promise.all([once(child, 'exit'), once(child.stdout, 'close'), once(child.stderr, 'close')]);
  const crashed = ended.then(
    ([[code, signal]]) => ({ kind: 'crashed', exit: signal === null ? `code ${code}` : `signal ${signal}` }) as const,
  );
  try {
    const init = await Promise.race([api.started, crashed, timeOut(INIT_TIMEOUT_SECONDS)]);
    let initMs = performance.now() - startedAt;
    if (init !== undefined) {
      yield { answer: init, initMs, durationMs: 0 };
      return;
    }
    for (const event of events) {
      const began = performance.now();
      const limit = timeOut(lambda.timeoutSeconds);
      const answer = await Promise.race([api.invoke(event, Date.now() + lambda.timeoutSeconds * 1000), crashed, limit]);
      limit.cancel();
      yield { answer, initMs, durationMs: performance.now() - began };
      initMs = 0;
      if (answer.kind === 'timed-out' || answer.kind === 'crashed') return;
    }
  } finally {
    child.kill('SIGKILL');
    await ended;
    await api.close();
  }
}

function timeOut(seconds: number) {
  const { promise, resolve } = Promise.withResolvers<{ kind: 'timed-out'; seconds: number }>();
  const timer = setTimeout(() => resolve({ kind: 'timed-out', seconds }), seconds * 1000);
  timer.unref();
  return Object.assign(promise, { cancel: () => clearTimeout(timer) });
}

/** Credentials and endpoints are the caller's: a stage other than `local` speaks to real services, or to stand-ins. */
const PASSED_ON =
  /^(AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|PROFILE|CONFIG_FILE|SHARED_CREDENTIALS_FILE|ENDPOINT_URL.*|CA_BUNDLE)|NODE_EXTRA_CA_CERTS|HOME|PATH)$/;

function environmentOf(lambda: LocalFunction): Record<string, string | undefined> {
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED_ON.test(name))),
    TZ: ':UTC',
    LANG: 'en_US.UTF-8',
    AWS_REGION: lambda.region,
    AWS_DEFAULT_REGION: lambda.region,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: lambda.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(lambda.memoryMiB),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${lambda.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: 'local',
    LAMBDA_TASK_ROOT: lambda.taskRoot,
    _HANDLER: lambda.handler,
    ...lambda.environment,
  };
}
