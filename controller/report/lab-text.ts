/** The lab's hosts as a table. */

const COLUMNS = ['name', 'port', 'power', 'generation', 'rules', 'maintenance'] as const;

/** One row a host; `-` where there is nothing to say. */
export function labStatusText(rows: readonly Readonly<Record<string, unknown>>[]): string {
  const cells = rows.map((row) => COLUMNS.map((column) => cell(row[column])));
  const table = [COLUMNS.map((column) => column.toUpperCase()), ...cells];
  const widths = COLUMNS.map((_, i) => Math.max(...table.map((row) => row[i]?.length ?? 0)));
  return table
    .map(
      (row) =>
        `${row
          .map((text, i) => text.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function cell(value: unknown): string {
  const text = Array.isArray(value) ? value.join(' ') : String(value ?? '');
  return text === '' ? '-' : text;
}
