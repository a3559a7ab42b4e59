import type { Writable } from 'node:stream';
import {
  type Diagnostic,
  diagnosticAt,
  type LoadOptions,
  loadRules,
  type RulesFile,
  renderDiagnostic,
} from '../../shared/falco/engine/index.ts';
import { SourceFile } from '../../shared/falco/engine/read/source.ts';
import { digestBesideHeartbeat } from '../../shared/falco/heartbeat.ts';
import { visible } from '../print/terminal.ts';
import { UnreadableFile } from '../usage.ts';
import { githubAnnotations, sarifReport } from './check-reports.ts';
import { readRulesFiles } from './files.ts';

export type CheckFormat = 'text' | 'json' | 'sarif' | 'github';

/** Loads the rules as Falco would and says what it would say. Returns what is worst. */
export async function checkRules(
  paths: readonly string[],
  format: CheckFormat,
  out: Writable,
  options: LoadOptions = {},
): Promise<'clean' | 'warnings' | 'errors'> {
  const { loads, rules, digest, diagnostics, summary } = await load(paths, options);
  switch (format) {
    case 'json': {
      const said = diagnostics.map(({ level, code, message, help, file, line, column }) => ({
        level,
        code,
        message,
        file,
        line,
        column,
        help,
      }));
      out.write(`${JSON.stringify({ loads, rules, digest, diagnostics: said }, null, 2)}\n`);
      break;
    }
    case 'sarif':
      out.write(`${JSON.stringify(sarifReport(diagnostics), null, 2)}\n`);
      break;
    case 'github':
      out.write(githubAnnotations(diagnostics));
      break;
    default:
      for (const diagnostic of diagnostics) out.write(`${visible(renderDiagnostic(diagnostic))}\n\n`);
      out.write(`${summary}\n`);
  }
  if (!loads) return 'errors';
  return diagnostics.length > 0 ? 'warnings' : 'clean';
}

interface Loaded {
  readonly loads: boolean;
  /** How many are enabled. */
  readonly rules: number;
  /** Of all rules but the heartbeat, which carries it; null when they do not load. */
  readonly digest: string | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly summary: string;
}

async function load(paths: readonly string[], options: LoadOptions): Promise<Loaded> {
  let files: readonly RulesFile[];
  try {
    files = await readRulesFiles(paths);
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    const place = { source: new SourceFile(error.path, ''), start: 0, end: 0 };
    const diagnostics = [diagnosticAt('LOAD_ERR_FILE_READ', error.message, place)];
    return { loads: false, rules: 0, digest: null, diagnostics, summary: 'the rules do not load' };
  }
  const { loads, diagnostics, rules, defined } = loadRules(files, options);
  const enabled = `${rules.length} ${rules.length === 1 ? 'rule' : 'rules'}${defined.length > rules.length ? ` (${defined.length - rules.length} more disabled)` : ''}`;
  const warnings = diagnostics.filter(({ level }) => level === 'warning').length;
  const said = warnings > 0 ? `, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}` : '';
  return {
    loads,
    rules: rules.length,
    digest: loads ? digestBesideHeartbeat(rules) : null,
    diagnostics,
    summary: loads ? `${enabled} from ${files.length} ${files.length === 1 ? 'file' : 'files'}${said}` : 'the rules do not load',
  };
}
