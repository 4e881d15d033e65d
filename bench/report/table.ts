// Rows of cells as an aligned text table or as Markdown. Pure.

export type TableFormat = 'text' | 'markdown'

export type Table = { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }

/** In a cell: there is no figure for this. */
export const NOTHING = '–'

const isFigure = (cell: string): boolean => /^[-–\d]/.test(cell)

const widths = ({ head, rows }: Table): number[] =>
  head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))

// A column of figures reads best flush right; its title follows.
const rightColumns = ({ head, rows }: Table): boolean[] =>
  head.map((_, column) => rows.length > 0 && rows.every((row) => isFigure(row[column] ?? '')) && column > 0)

/** Columns in which nobody has a figure are left out. */
export const withoutEmpty = ({ head, rows }: Table): Table => {
  const kept = head.map((_, column) => rows.some((row) => (row[column] ?? NOTHING) !== NOTHING))
  const keep = (cells: readonly string[]) => cells.filter((_, column) => kept[column])
  return { head: keep(head), rows: rows.map(keep) }
}

const align = (cells: readonly string[], columns: readonly number[], right: readonly boolean[]): string[] =>
  columns.map((width, i) => (right[i] ? (cells[i] ?? '').padStart(width) : (cells[i] ?? '').padEnd(width)))

export const renderTable = (table: Table, format: TableFormat): string => {
  const columns = widths(table)
  const right = rightColumns(table)
  const lines = [table.head, ...table.rows].map((cells) => align(cells, columns, right))
  if (format === 'text') {
    const [head = [], ...rows] = lines.map((cells) => cells.join('  ').trimEnd())
    return [head, columns.map((width) => '─'.repeat(width)).join('  '), ...rows].join('\n')
  }
  const rule = columns.map((width, i) => '-'.repeat(Math.max(2, width - 1)) + (right[i] ? ':' : '-'))
  const [head = [], ...rows] = lines
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
