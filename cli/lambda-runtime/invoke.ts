import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { deployment } from '../../infra/stage/deployment.ts';
import { functionKeys, functionSettings } from '../../infra/stage/function-settings.ts';
import { readStage } from '../../infra/stage/read.ts';
import { messageOf } from '../../shared/platform/errors.ts';
import type { Out } from '../print/terminal.ts';
import { given, readText, UsageError } from '../usage.ts';
import { type Invocation, runFunction } from './function-process.ts';
import { buildInto, unpackInto } from './package-folder.ts';

export interface InvokeOptions {
  readonly stage: string;
  /** Folder with zip files made by `npm run package`; absent: the function is built now. */
  readonly package?: string;
  /** `NAME=value`, on top of what the stage gives. */
  readonly env?: readonly string[];
  readonly times: number;
  /** Seconds, instead of the function's own. */
  readonly timeout?: number;
}

export interface Streams {
  readonly out: Out;
  readonly log: Out;
  readonly stdin: AsyncIterable<Uint8Array>;
}

const root = join(import.meta.dirname, '../..');

/**
 * Runs one function with one event. The result goes to `out`, everything else to `log`.
 * @returns whether every invocation succeeded.
 * @throws UsageError for wrong usage: no such function, stage or file, no JSON.
 */
export async function invoke(wanted: string, eventFile: string, options: InvokeOptions, streams: Streams): Promise<boolean> {
  const key = functionKeys().find((known) => known === wanted || dashed(known) === wanted);
  if (key === undefined) throw new UsageError('NO_SUCH_FUNCTION', `Expected one of ${functionKeys().join(', ')}, got ${wanted}.`);
  const stage = await given(() => deployment(readStage(options.stage)));
  const settings = functionSettings(key, stage);
  const event = await readEvent(eventFile, streams.stdin);
  await mkdir(join(root, '.cache'), { recursive: true });
  const taskRoot = await mkdtemp(join(root, '.cache/invoke-'));
  try {
    await (options.package === undefined ? buildInto(taskRoot, settings) : unpackInto(taskRoot, join(options.package, `${key}.zip`)));
    const lambda = {
      ...settings,
      taskRoot,
      region: stage.region,
      account: stage.account,
      timeoutSeconds: options.timeout ?? settings.timeoutSeconds,
      environment: { ...settings.environment, ...Object.fromEntries((options.env ?? []).map(assignment)) },
    };
    let succeeded = true;
    for await (const invocation of runFunction(lambda, Array(options.times).fill(event), (chunk) => streams.log.write(chunk.toString()))) {
      succeeded = report(invocation, streams) && succeeded;
    }
    return succeeded;
  } finally {
    await rm(taskRoot, { recursive: true, force: true });
  }
}

function report({ answer, initMs, durationMs }: Invocation, { out, log }: Streams): boolean {
  const times = `${durationMs.toFixed(1)} ms${initMs > 0 ? `, start ${initMs.toFixed(1)} ms` : ''}`;
  if (answer.kind === 'result') {
    out.write(`${answer.json}\n`);
    log.write(`tiercel invoke: succeeded in ${times}\n`);
    return true;
  }
  log.write(`tiercel invoke: failed in ${times}: ${reason(answer)}\n`);
  return false;
}

function reason(answer: Exclude<Invocation['answer'], { kind: 'result' }>): string {
  if (answer.kind === 'timed-out') return `timed out after ${answer.seconds} seconds`;
  if (answer.kind === 'crashed') return `the process ended with ${answer.exit} before it answered`;
  const { errorType, errorMessage, trace } = JSON.parse(answer.json) as {
    errorType: string;
    errorMessage: string;
    trace: readonly string[];
  };
  return `${answer.kind === 'init-error' ? 'it could not start: ' : ''}${errorType}: ${errorMessage}\n${trace.slice(1).join('\n')}`;
}

async function readEvent(file: string, stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const text = file === '-' ? await textOf(stdin) : await readText(file);
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    throw new UsageError('NOT_JSON', `Expected ${file} to hold the function's event as JSON, but: ${messageOf(error)}`, { cause: error });
  }
}

function assignment(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new UsageError('BAD_ASSIGNMENT', `Expected --env NAME=value, got ${JSON.stringify(text)}.`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

/** `auditStream` → `audit-stream`, the folder's name. */
function dashed(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
