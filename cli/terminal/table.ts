/** Plain tables: columns as wide as their cells, and one that gives way when the terminal is too narrow. */
import { clean, cut, styled } from './text.ts';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly right?: boolean;
  /** Columns that may be cut give way to the rest; without any, the last one is cut. */
  readonly flexible?: boolean;
}

const GAP = '  ';
const LEAST = 8;

/** Lines of a table, its heading first, none wider than `width` columns unless a rigid cell is. */
export function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { width, colour }: { readonly width: number; readonly colour: boolean },
): string[] {
  const cells = rows.map((row) => columns.map((column) => clean(column.cell(row))));
  const widths = columns.map(({ title }, i) =>
    Math.max(title.length, ...cells.map((line) => [...line[i]!].length)),
  );
  let excess = widths.reduce((sum, each) => sum + each, GAP.length * (columns.length - 1)) - width;
  const flexible = columns.flatMap(({ flexible }, i) => (flexible ? [i] : []));
  for (const i of flexible.length > 0 ? flexible : [columns.length - 1]) {
    const given = Math.max(0, Math.min(excess, widths[i]! - LEAST));
    widths[i]! -= given;
    excess -= given;
  }
  const line = (texts: readonly string[]) =>
    texts
      .map((text, i) => {
        const short = cut(text, widths[i]!);
        const space = ' '.repeat(widths[i]! - [...short].length);
        return columns[i]!.right ? space + short : short + space;
      })
      .join(GAP)
      .trimEnd();
  return [styled('bold', line(columns.map(({ title }) => title)), colour), ...cells.map(line)];
}
