import { stripVTControlCharacters } from 'node:util';

/** Rows in aligned columns, two blanks apart; numbers stand to the right. Cells may hold colour codes. */
export function table(rows: readonly (readonly (string | number)[])[], options: { readonly indent?: number } = {}): string {
  const widths: number[] = [];
  for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, widthOf(cell));
  const lines = rows.map((row) =>
    row
      .map((cell, at) => {
        const gap = ' '.repeat((widths[at] ?? 0) - widthOf(cell));
        return typeof cell === 'number' ? gap + withThousands(cell) : cell + gap;
      })
      .join('  ')
      .trimEnd(),
  );
  return lines.map((line) => ' '.repeat(options.indent ?? 0) + line).join('\n');
}

/** `1234567` as `1,234,567`, the same in every locale. */
export function withThousands(value: number): string {
  return value.toLocaleString('en-US');
}

function widthOf(cell: string | number): number {
  return typeof cell === 'number' ? withThousands(cell).length : stripVTControlCharacters(cell).length;
}
