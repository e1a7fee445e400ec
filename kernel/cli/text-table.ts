export type Paint = (text: string) => string;

export interface Paints {
  readonly bold: Paint;
  readonly quiet: Paint;
  readonly good: Paint;
  readonly bad: Paint;
  readonly warn: Paint;
}

export interface Column<T> {
  readonly name: string;
  readonly width: number;
  readonly cell: (row: T) => string;
  /** Right-aligned. */
  readonly number?: boolean;
  readonly paint?: (row: T) => Paint;
}

export const unpainted: Paint = (text) => text;
const painted =
  (code: number): Paint =>
  (text) =>
    `\x1b[${code}m${text}\x1b[0m`;

export const plain: Paints = { bold: unpainted, quiet: unpainted, good: unpainted, bad: unpainted, warn: unpainted };
export const inColour: Paints = {
  bold: painted(1),
  quiet: painted(2),
  good: painted(32),
  bad: painted(31),
  warn: painted(33),
};

/** A table as lines, an empty one behind it; columns that do not fit the width are left out, the last first. */
export function textTable<T>(
  title: string,
  columns: readonly Column<T>[],
  rows: readonly T[],
  width: number,
  { bold, quiet }: Paints,
  empty: string,
): string[] {
  if (rows.length === 0) return [`${bold(title)}  ${quiet(empty)}`, ''];
  const used = fitting(columns, width);
  const head = used.map((column, i) => padded(column, i === 0 ? title : column.name)).join('  ');
  const lines = rows.map((row) =>
    used
      .map((column) => {
        const text = padded(column, printable(column.cell(row)));
        return column.paint?.(row)(text) ?? text;
      })
      .join('  '),
  );
  return [bold(head), ...lines, ''];
}

function fitting<T>(columns: readonly Column<T>[], width: number): Column<T>[] {
  let left = width + 2;
  return columns.filter((column, i) => {
    left -= column.width + 2;
    return i === 0 || left >= 0;
  });
}

function padded<T>({ width, number }: Column<T>, text: string): string {
  const short = text.length <= width ? text : `${text.slice(0, width - 1)}…`;
  return number === true ? short.padStart(width) : short.padEnd(width);
}

/** Callers choose model names: one must not be able to steer the operator's terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}
