import { DIAGNOSTICS, type Diagnostic } from '../../shared/falco/engine/index.ts';

/** SARIF 2.1.0, for code scanning. Columns in UTF-16 units, which is its default. */
export function sarifReport(diagnostics: readonly Diagnostic[]): object {
  const codes = [...new Set(diagnostics.map(({ code }) => code))].sort();
  return {
    version: '2.1.0',
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    runs: [
      {
        tool: {
          driver: {
            name: 'tiercel rules check',
            rules: codes.map((code) => ({
              id: code,
              shortDescription: { text: DIAGNOSTICS[code].title },
              help: { text: DIAGNOSTICS[code].help },
              defaultConfiguration: { level: DIAGNOSTICS[code].level },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: diagnostics.map(({ level, code, message, help, file, line, column, endColumn }) => ({
          ruleId: code,
          ruleIndex: codes.indexOf(code),
          level,
          message: { text: `${message}. ${help}` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: file },
                region: { startLine: line, startColumn: column, endLine: line, endColumn },
              },
            },
          ],
        })),
      },
    ],
  };
}

/** Workflow commands, which GitHub shows at the lines of a pull request. */
export function githubAnnotations(diagnostics: readonly Diagnostic[]): string {
  return diagnostics
    .map(({ level, code, message, help, file, line, column, endColumn }) => {
      const properties = { file, line, col: column, endColumn, title: code };
      const listed = Object.entries(properties).map(([key, value]) => `${key}=${property(String(value))}`);
      return `::${level} ${listed.join(',')}::${data(`${message}. ${help}`)}\n`;
    })
    .join('');
}

function data(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
