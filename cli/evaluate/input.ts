import { createReadStream } from 'node:fs';
import type { Priority } from '../../shared/falco/alert.ts';
import type { AppendOutput } from '../../shared/falco/engine/index.ts';
import { type LoadedRule, loadRules, readAppendOutput, renderDiagnostic } from '../../shared/falco/engine/index.ts';
import { type Out, visible } from '../print/terminal.ts';
import { OWN_RULES, readRulesFiles } from '../rules/files.ts';
import { given, readText, UnreadableFile } from '../usage.ts';
import { type EventSink, readEvents } from './lines.ts';

export interface Streams {
  readonly out: NodeJS.WritableStream;
  readonly log: Out;
  readonly stdin: AsyncIterable<Uint8Array>;
}

const CHUNK_BYTES = 1 << 20;

/** Loads what `--rules` names, or the project's own. Undefined: they do not load, and `log` has been told where and why. */
export async function loadNamedRules(
  paths: readonly string[] | undefined,
  minPriority: Priority | undefined,
  log: Out,
): Promise<readonly LoadedRule[] | undefined> {
  const files = await readRulesFiles(paths ?? OWN_RULES);
  const { loads, diagnostics, rules } = loadRules(files, minPriority ? { minPriority } : {});
  if (loads) return rules;
  for (const diagnostic of diagnostics.filter(({ level }) => level === 'error')) log.write(`${visible(renderDiagnostic(diagnostic))}\n`);
  log.write('the rules do not load: nothing was evaluated\n');
  return undefined;
}

/** The `append_output` of a Falco configuration. */
export async function loadAppendOutput(path: string | undefined): Promise<AppendOutput[]> {
  if (path === undefined) return [];
  const text = await readText(path);
  return given(() => readAppendOutput(text));
}

/** Reads files in order, `-` being standard input. @throws UnreadableFile */
export async function readAll(files: readonly string[], stdin: AsyncIterable<Uint8Array>, sink: EventSink): Promise<void> {
  for (const file of files) {
    const source = file === '-' ? stdin : createReadStream(file, { highWaterMark: CHUNK_BYTES });
    try {
      await readEvents(source, file, sink);
    } catch (error) {
      if (!isFileError(error)) throw error;
      throw new UnreadableFile(file, error);
    }
  }
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && ['open', 'read'].includes(String(error.syscall));
}
