// A table of bars as SVG: a row for each case, a column for each contestant, in each cell a bar and its figure. One log scale for
// all cells, because what is compared differs by powers of ten. Colours follow the reader's light or dark setting. Pure.

export type Bar = {
  readonly value: number
  /** What stands beside the bar. */
  readonly label: string
  /** Told by viewers when it is pointed at. */
  readonly hint: string
}

export type BarMatrix = {
  readonly title: string
  readonly subtitle: string
  readonly columns: readonly string[]
  /** The column that is set off from the others. */
  readonly ours: string
  readonly rows: readonly { readonly name: string; readonly bars: readonly (Bar | null)[] }[]
}

const NAME_WIDTH = 150
const CELL_WIDTH = 132
/** Of a cell; the rest is for the figure. */
const BAR_WIDTH = 82
const ROW_HEIGHT = 22
const BAR_HEIGHT = 12
const HEAD_HEIGHT = 76
const MARGIN = 16

const STYLE = `
  :root { color-scheme: light dark }
  .paper { fill: #ffffff } text { font: 12px system-ui, sans-serif; fill: #24292f } .dim { fill: #656d76 }
  .title { font-size: 15px; font-weight: 600 } .strong { font-weight: 600 } .rule { stroke: #d8dee4 }
  .bar { fill: #8c959f } .ours { fill: #0969da } .stripe { fill: #f6f8fa }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } text { fill: #e6edf3 } .dim { fill: #8d96a0 } .rule { stroke: #30363d }
    .bar { fill: #6e7681 } .ours { fill: #4493f8 } .stripe { fill: #161b22 }
  }`

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character)

const textAt = (x: number, y: number, text: string, style = ''): string =>
  `<text x="${x}" y="${y}"${style ? ` class="${style}"` : ''}>${escaped(text)}</text>`

/** Nothing is no bar at all, and even the smallest something can be seen. */
const lengthOf = (value: number, largest: number): number =>
  value <= 0 ? 0 : Math.max(2, (BAR_WIDTH * Math.log10(1 + value)) / Math.log10(1 + largest))

type Place = { readonly x: number; readonly y: number; readonly largest: number; readonly style: string }

const cell = (bar: Bar | null, { x, y, largest, style }: Place): string => {
  const baseline = y + ROW_HEIGHT / 2 + 4
  if (bar === null) return textAt(x, baseline, '–', 'dim')
  const length = lengthOf(bar.value, largest)
  const top = y + (ROW_HEIGHT - BAR_HEIGHT) / 2
  const drawn =
    length > 0
      ? `<rect x="${x}" y="${top}" width="${length.toFixed(1)}" height="${BAR_HEIGHT}" rx="2" class="${style}"/>`
      : ''
  const figure = textAt(Math.round(x + length + (length > 0 ? 5 : 0)), baseline, bar.label, bar.value > 0 ? '' : 'dim')
  return `<g><title>${escaped(bar.hint)}</title>${drawn}${figure}</g>`
}

const rowOf = (matrix: BarMatrix, index: number, largest: number): string => {
  const row = matrix.rows[index]
  const y = HEAD_HEIGHT + index * ROW_HEIGHT
  const stripe = `<rect x="0" y="${y}" width="100%" height="${ROW_HEIGHT}" class="stripe"/>`
  const cells = matrix.columns.map((column, i) => {
    const style = column === matrix.ours ? 'ours' : 'bar'
    return cell(row?.bars[i] ?? null, { x: MARGIN + NAME_WIDTH + i * CELL_WIDTH, y, largest, style })
  })
  return [...(index % 2 === 0 ? [stripe] : []), textAt(MARGIN, y + ROW_HEIGHT / 2 + 4, row?.name ?? ''), ...cells].join(
    '\n',
  )
}

export const renderBarMatrix = (matrix: BarMatrix): string => {
  const width = 2 * MARGIN + NAME_WIDTH + matrix.columns.length * CELL_WIDTH
  const height = HEAD_HEIGHT + matrix.rows.length * ROW_HEIGHT + MARGIN
  const largest = Math.max(1, ...matrix.rows.flatMap(({ bars }) => bars.map((bar) => bar?.value ?? 0)))
  const heads = matrix.columns.map((column, i) =>
    textAt(MARGIN + NAME_WIDTH + i * CELL_WIDTH, HEAD_HEIGHT - 12, column, column === matrix.ours ? 'strong' : ''),
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${escaped(matrix.title)}</title>
<style>${STYLE}
</style>
<rect width="100%" height="100%" class="paper"/>
${textAt(MARGIN, 26, matrix.title, 'title')}
${textAt(MARGIN, 44, matrix.subtitle, 'dim')}
${heads.join('\n')}
<line x1="${MARGIN}" x2="${width - MARGIN}" y1="${HEAD_HEIGHT - 4}" y2="${HEAD_HEIGHT - 4}" class="rule"/>
${matrix.rows.map((_, index) => rowOf(matrix, index, largest)).join('\n')}
</svg>
`
}
