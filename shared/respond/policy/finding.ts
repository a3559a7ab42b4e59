/** One thing wrong with a policy file, at its place. */
export interface Finding {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** The line's text, for the caret. */
  readonly excerpt: string;
}

/** `file:line:column: message`, the line, a caret. */
export function formatFinding(finding: Finding): string {
  const caret = `${finding.excerpt.slice(0, finding.column - 1).replaceAll(/[^\t]/g, ' ')}^`;
  return `${finding.file}:${finding.line}:${finding.column}: ${finding.message}\n  ${finding.excerpt}\n  ${caret}`;
}
