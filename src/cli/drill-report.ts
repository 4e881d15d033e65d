/** How `understudy drill` tells what came of it: the verdict and why first, then the figures, then what failed. */
import Table from 'cli-table3'
import type { DrillView } from '../admin/drill-route.ts'
import { shortTime } from './lengths.ts'
import { paint, plain } from './output.ts'

const HEAD = ['', 'requests', 'failed', 'answers', 'p50', 'p99']
const MOST_SHOWN = 5

export function drillReport(view: DrillView): string {
  const { pool, upstream, verdict, reasons, remarks, path } = view
  const ready = verdict === 'ready'
  const words = ready
    ? paint(['bold', 'green'], 'is ready to take over')
    : paint(['bold', 'red'], 'is NOT ready to take over')
  return [
    `${plain(pool)}: ${plain(upstream)} ${words}`,
    ...reasons.map((reason) => `  because ${plain(reason)}`),
    ...remarks.map((remark) => `  mind: ${plain(remark)}`),
    figures(view),
    ...probes(view),
    ...failures(view),
    path === null
      ? 'Connections were tried; nothing has changed.'
      : `GET ${plain(path)} was asked; nothing has changed.`,
  ].join('\n')
}

function figures({ summary, comparedWith }: DrillView): string {
  const grid = new Table({ head: HEAD, style: { head: [], border: [], compact: true } })
  for (const side of comparedWith ? [summary, comparedWith] : [summary]) {
    const answers = Object.entries(side.statuses).map(([status, times]) => `${times} × ${status}`)
    const times = [side.p50, side.p99].map((ms) => (ms === null ? '-' : shortTime(ms)))
    const active = side === comparedWith ? ' (active)' : ''
    grid.push([`${plain(side.upstream)}${active}`, side.sent, side.failed, answers.join(', ') || '-', ...times])
  }
  return grid.toString()
}

function probes({ probes: seen }: DrillView): readonly string[] {
  const passed = seen.filter(({ verdict }) => verdict === 'pass').length
  const bad = seen.filter(({ verdict }) => verdict !== 'pass')
  return [`probes: ${passed} of ${seen.length} passed`, ...bad.map(({ at, detail }) => line(at, detail))]
}

function failures({ requests }: DrillView): readonly string[] {
  const failed = requests.flatMap(({ at, failure }) => (failure === null ? [] : [line(at, failure)]))
  const more = failed.length - MOST_SHOWN
  if (failed.length === 0) return []
  return ['requests that failed:', ...failed.slice(0, MOST_SHOWN), ...(more > 0 ? [`  … and ${more} more`] : [])]
}

const line = (at: string, what: string): string => `  ${at.slice(11)}  ${plain(what)}`
