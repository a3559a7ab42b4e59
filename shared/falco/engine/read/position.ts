import { fromByteString } from '../bytes.ts';
import type { YamlScalar } from './yaml.ts';

/**
 * Where in the file the byte at `offset` of a scalar's text stands: folded lines, indentation, quotes and escapes are walked again.
 * Costs a pass over the scalar; only diagnostics ask.
 */
export function sourceOffset(scalar: YamlScalar, offset: number): number {
  const value = fromByteString(scalar.text.slice(0, offset));
  const raw = scalar.source.text;
  let at = scalar.style === 'block' ? endOfLine(raw, scalar.start) + 1 : scalar.style === 'plain' ? scalar.start : scalar.start + 1;
  const rest = fromByteString(scalar.text.slice(offset));
  for (const char of value) at = skip(scalar, raw, continued(scalar, raw, at), char);
  at = continued(scalar, raw, at);
  // The place of a character is where it stands, not where the blanks before it begin.
  const next = rest[0];
  if (next !== undefined && !/\s/.test(next)) while (at < scalar.end && /\s/.test(raw[at]!)) at++;
  return Math.min(at, scalar.end);
}

/** Moves behind `char` of the value: blanks of the value are any run of blanks and line breaks in the file. */
function skip(scalar: YamlScalar, raw: string, start: number, char: string): number {
  let at = start;
  if (scalar.style === 'double' && raw[at] === '\\') return at + escapeLength(raw, at);
  if (/\s/.test(char)) {
    // A folded line break is one blank in the value, but a break and an indentation in the file.
    if (!/\s/.test(raw[at] ?? '')) return at;
    if (raw[at] === '\n' || raw[at] === '\r') {
      while (at < scalar.end && /[ \t\r\n]/.test(raw[at]!)) at++;
      return at;
    }
    return at + 1;
  }
  while (at < scalar.end && /[ \t\r\n]/.test(raw[at]!)) at++;
  if (scalar.style === 'double' && raw[at] === '\\') return at + escapeLength(raw, at);
  if (scalar.style === 'single' && char === "'") return at + 2;
  return at + char.length;
}

/** Behind a line that a backslash joins to the next one. */
function continued(scalar: YamlScalar, raw: string, start: number): number {
  if (scalar.style !== 'double' || !/^\\\r?\n/.test(raw.slice(start, start + 3))) return start;
  let at = start + 1;
  while (at < scalar.end && /[ \t\r\n]/.test(raw[at]!)) at++;
  return at;
}

function escapeLength(raw: string, at: number): number {
  const lengths: Readonly<Record<string, number>> = { x: 4, u: 6, U: 10 };
  return lengths[raw[at + 1] ?? ''] ?? 2;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}
