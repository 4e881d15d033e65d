// `report`: results files again as tables, and as charts; those of the engine also as one summary, for the bench's README.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { renderBarMatrix } from '../report/bar-matrix.ts'
import { engineChart, summarizeEngine } from '../report/engine-summary.ts'
import { faultCharts } from '../report/fault-charts.ts'
import { isFaults, mergeResults } from '../report/merge.ts'
import { provenance, report } from '../report/report.ts'
import { type EngineResults, loadResults, type Results, saveResults } from '../report/results.ts'
import { UsageError } from './usage-error.ts'

const README = fileURLToPath(new URL('../README.md', import.meta.url))
const BEGIN = '<!-- engine: begin, made by `npm run bench -- report FILE... --readme` -->'
const END = '<!-- engine: end -->'

const isEngine = (results: Results): results is EngineResults => !isFaults(results)

const writeCharts = (charts: Readonly<Record<string, string>>, folder: string): void => {
  mkdirSync(folder, { recursive: true })
  for (const [name, svg] of Object.entries(charts)) {
    const file = join(folder, name)
    writeFileSync(file, svg)
    process.stderr.write(`chart: ${file}\n`)
  }
}

const writeReadme = (all: readonly EngineResults[]): void => {
  const text = readFileSync(README, 'utf8')
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`${README} has lost the marks between which the summary stands`)
  const made = [summarizeEngine(all, 'markdown'), '', ...(all[0] ? provenance(all[0]).map((line) => `- ${line}`) : [])]
  writeFileSync(README, `${text.slice(0, begin + BEGIN.length)}\n\n${made.join('\n')}\n\n${text.slice(end)}`)
}

type Wanted = { readonly markdown: boolean; readonly svg?: string; readonly readme: boolean; readonly out?: string }

const showEngine = (all: readonly EngineResults[], { markdown, svg, readme }: Wanted): void => {
  const format = markdown ? 'markdown' : 'text'
  if (svg !== undefined) writeCharts({ 'engine-cpu.svg': renderBarMatrix(engineChart(all)) }, svg)
  if (readme) writeReadme(all)
  for (const results of all) process.stdout.write(`${report(results, format)}\n`)
  process.stdout.write(`${summarizeEngine(all, format)}\n`)
}

const showFaults = (parts: readonly [Results, ...Results[]], { markdown, svg, readme, out }: Wanted): void => {
  const results = mergeResults(parts)
  if (!isFaults(results) || readme) throw new UsageError('--readme is for results of the engine alone')
  if (svg !== undefined) writeCharts(faultCharts(results), svg)
  if (out !== undefined) saveResults(out, results)
  process.stdout.write(report(results, markdown ? 'markdown' : 'text'))
}

export const showReport = async (args: string[]): Promise<void> => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      markdown: { type: 'boolean', default: false },
      svg: { type: 'string' },
      readme: { type: 'boolean', default: false },
      out: { type: 'string' },
    },
  })
  const [first, ...more] = positionals.map(loadResults)
  if (first === undefined) throw new UsageError('report needs the name of a results file')
  const all = [first, ...more] as const
  if (all.every(isEngine)) showEngine(all, values)
  else showFaults(all, values)
}
