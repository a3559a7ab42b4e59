/**
 * The process that Lambda would start: loads the handler, then asks the Runtime API for work until it is ended.
 * Started with LAMBDA_TASK_ROOT, _HANDLER and AWS_LAMBDA_RUNTIME_API set, and nothing on its command line: Lambda's own interface, hence no config module.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

type Handler = (event: unknown, context: object, callback: (error: unknown, result?: unknown) => void) => unknown;

const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`;

async function loadHandler(): Promise<Handler> {
  const [, module = '', name = ''] = /^(.*)\.([^./]+)$/.exec(process.env._HANDLER ?? '') ?? [];
  const base = join(process.env.LAMBDA_TASK_ROOT ?? '.', module);
  const file = ['.js', '.mjs', '.cjs'].map((extension) => base + extension).find(existsSync);
  if (file === undefined) throw new Error(`Runtime.ImportModuleError: there is no ${base}.js, .mjs or .cjs`);
  const exports = (await import(pathToFileURL(file).href)) as Record<string, unknown> & { default?: Record<string, unknown> };
  const handler = exports[name] ?? exports.default?.[name];
  if (typeof handler !== 'function') throw new Error(`Runtime.HandlerNotFound: ${file} exports no function ${name}`);
  return handler as Handler;
}

function describe(thrown: unknown): { errorType: string; errorMessage: string; trace: readonly string[] } {
  if (!(thrown instanceof Error)) return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] };
  return { errorType: thrown.name, errorMessage: thrown.message, trace: thrown.stack?.split('\n') ?? [] };
}

async function post(path: string, body: unknown): Promise<void> {
  await fetch(`${api}/${path}`, { method: 'POST', body: JSON.stringify(body ?? null), headers: { 'content-type': 'application/json' } });
}

function contextOf(headers: Headers) {
  const deadlineMs = Number(headers.get('lambda-runtime-deadline-ms'));
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    awsRequestId: headers.get('lambda-runtime-aws-request-id') ?? '',
    invokedFunctionArn: headers.get('lambda-runtime-invoked-function-arn') ?? '',
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
}

function call(handler: Handler, event: unknown, context: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const result = handler(event, context, (error, value) => (error ? reject(error) : resolve(value)));
    if (result instanceof Promise) result.then(resolve, reject);
  });
}

let handler: Handler;
try {
  handler = await loadHandler();
} catch (error) {
  await post('init/error', describe(error));
  process.exit(1);
}
while (true) {
  const next = await fetch(`${api}/invocation/next`);
  if (next.status !== 200) break;
  const id = next.headers.get('lambda-runtime-aws-request-id');
  const event: unknown = await next.json();
  try {
    await post(`invocation/${id}/response`, await call(handler, event, contextOf(next.headers)));
  } catch (error) {
    await post(`invocation/${id}/error`, describe(error));
  }
}
