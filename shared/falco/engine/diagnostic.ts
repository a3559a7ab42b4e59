import type { Place } from './read/source.ts';

/**
 * One row per diagnostic Falco knows for `k8s_audit` rules (falco_load_result of Falco 0.44): severity, title, and what to do.
 * `docs/reference/diagnostics.md` comes from this table.
 */
export const DIAGNOSTICS = {
  LOAD_ERR_FILE_READ: { level: 'error', title: 'The file could not be read', help: 'Check the path and its permissions.' },
  LOAD_ERR_YAML_PARSE: {
    level: 'error',
    title: 'The file is not valid YAML',
    help: 'Correct the YAML at the place shown; nothing of the file was read.',
  },
  LOAD_ERR_YAML_VALIDATE: {
    level: 'error',
    title: 'The YAML does not have the shape of rules',
    help: 'Compare the item with the rules file format: a sequence of lists, macros, rules and required versions.',
  },
  LOAD_ERR_COMPILE_CONDITION: {
    level: 'error',
    title: 'The condition cannot be compiled',
    help: 'Correct the condition. Lists and exceptions are pasted into it as text before it is parsed.',
  },
  LOAD_ERR_COMPILE_OUTPUT: {
    level: 'error',
    title: 'The output cannot be compiled',
    help: 'Every % must start a known field, as in %ka.user.name; a literal % cannot be written.',
  },
  LOAD_ERR_VALIDATE: {
    level: 'error',
    title: 'The definition contradicts the others',
    help: 'Check names, order of definition and required versions.',
  },
  LOAD_ERR_EXTENSION: {
    level: 'error',
    title: 'An extension item is wrong',
    help: 'Remove the item, or load the extension that knows it.',
  },
  LOAD_UNKNOWN_SOURCE: {
    level: 'warning',
    title: 'The rule belongs to a source that is not loaded, and is ignored',
    help: 'For audit events write `source: k8s_audit`; without a source a rule is for syscalls.',
  },
  LOAD_UNSAFE_NA_CHECK: {
    level: 'warning',
    title: 'A field is compared with <NA>, which never matches',
    help: 'A missing field has no value at all: write `not FIELD exists`.',
  },
  LOAD_NO_EVTTYPE: {
    level: 'warning',
    title: 'The rule matches too many event types',
    help: 'Restrict evt.type, or set `warn_evttypes: false`.',
  },
  LOAD_UNKNOWN_FILTER: {
    level: 'warning',
    title: 'The rule uses an unknown field and is skipped',
    help: 'Correct the field. The rule says `skip-if-unknown-filter: true`, so the others are loaded without it.',
  },
  LOAD_UNUSED_MACRO: { level: 'warning', title: 'The macro is not used', help: 'Remove it, or refer to it from a rule.' },
  LOAD_UNUSED_LIST: {
    level: 'warning',
    title: 'The list is not used',
    help: 'Remove it, or refer to it from a condition or another list.',
  },
  LOAD_UNKNOWN_ITEM: {
    level: 'warning',
    title: 'The item is none that Falco knows, and is ignored',
    help: 'An item starts with rule, macro, list, required_engine_version or required_plugin_versions.',
  },
  LOAD_DEPRECATED_ITEM: {
    level: 'warning',
    title: 'A deprecated form is used',
    help: 'Name each changed key under `override:` with append or replace.',
  },
  LOAD_WARNING_EXTENSION: { level: 'warning', title: 'An extension item draws a warning', help: 'See the documentation of the extension.' },
  LOAD_APPEND_NO_VALUES: {
    level: 'warning',
    title: 'An exception is appended without values',
    help: 'Add `values:`; without them it changes nothing.',
  },
  LOAD_EXCEPTION_NAME_NOT_UNIQUE: {
    level: 'warning',
    title: 'Two exceptions of a rule have the same name',
    help: 'Give each exception of a rule its own name.',
  },
  LOAD_INVALID_MACRO_NAME: {
    level: 'warning',
    title: 'The macro has a name no condition can refer to',
    help: 'Use letters, digits and underscores, starting with a letter.',
  },
  LOAD_INVALID_LIST_NAME: {
    level: 'warning',
    title: 'The list has a name that conditions cannot hold as one word',
    help: 'Avoid parentheses, quotes, blanks, commas and equals signs.',
  },
  LOAD_COMPILE_CONDITION: { level: 'warning', title: 'The condition may not mean what it says', help: 'See the message.' },
  LOAD_UNKNOWN_KEY: {
    level: 'warning',
    title: 'The key is none that Falco knows, and is ignored',
    help: 'Correct its spelling, or remove it.',
  },
} as const satisfies Record<string, { level: Level; title: string; help: string }>;

export type Level = 'error' | 'warning';
export type DiagnosticCode = keyof typeof DIAGNOSTICS;

/** Something to say about a rules file, at a place in it. Line and column count from 1; column in UTF-16 units. */
export interface Diagnostic {
  readonly level: Level;
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly help: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Behind the last character, on the same line; at least `column + 1`. */
  readonly endColumn: number;
  /** The line the place is on. */
  readonly sourceLine: string;
}

export function diagnosticAt(code: DiagnosticCode, message: string, place: Place, help: string = DIAGNOSTICS[code].help): Diagnostic {
  const { line, column } = place.source.positionOf(place.start);
  const sourceLine = place.source.lineText(line);
  const end = Math.min(column + Math.max(1, place.end - place.start), Math.max(column, sourceLine.length) + 1);
  return { level: DIAGNOSTICS[code].level, code, message, help, file: place.source.name, line, column, endColumn: end, sourceLine };
}

/** Longest piece of a source line shown around the place; conditions on one line run to thousands of characters. */
const SHOWN = 120;

/**
 * As a person reads it:
 * ```
 * rules.yaml:4:24: error LOAD_ERR_COMPILE_CONDITION: expected a string after '='
 *   |   condition: ka.verb =
 *   |                       ^
 *   Correct the condition.
 * ```
 */
export function renderDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, endColumn, level, code, message, help, sourceLine } = diagnostic;
  const from = Math.max(0, Math.min(column - 1 - SHOWN / 2, sourceLine.length - SHOWN));
  const before = from > 0 ? '… ' : '';
  const after = sourceLine.length > from + SHOWN ? ' …' : '';
  const shown = sourceLine.slice(from, from + SHOWN);
  // Tabs stay tabs under tabs, so that the caret stands where a terminal shows the place.
  const indent = (before + shown.slice(0, column - 1 - from)).replace(/[^\t]/g, ' ');
  const carets = '^'.repeat(Math.max(1, Math.min(endColumn, from + SHOWN + 1) - column));
  return [
    `${file}:${line}:${column}: ${level} ${code}: ${message}`,
    `  | ${before}${shown}${after}`,
    `  | ${indent}${carets}`,
    `  ${help}`,
  ].join('\n');
}
