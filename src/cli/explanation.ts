/** How `understudy explain` tells of a decision at 3 a.m.: what happened and why first, then what that rests on. */
import type { GroundsView } from '../admin/grounds-view.ts'
import type { ExplainView } from '../admin/views.ts'
import { eventLine } from './event-line.ts'
import { shortTime } from './lengths.ts'
import { paint, plain } from './output.ts'

export function explanation(view: ExplainView): string {
  const { pool, evidence, trouble, notices } = view
  return [
    paint('bold', plain(evidence ? `${pool}, ${evidence.ago} ago: ${evidence.text}` : `${pool}: ${view.summary}`)),
    ...aligned(evidence ? story(view, evidence) : []),
    ...(evidence ? sightings(evidence, 'then') : []),
    ...(trouble
      ? [`  since then, ${trouble.ago} ago: ${plain(trouble.text)}`, ...sightings(trouble, 'at that time')]
      : []),
    ...aligned(standing(view)),
    ...(notices.length > 0 ? ['  what happened lately:', ...notices.map((notice) => `    ${eventLine(notice)}`)] : []),
  ].join('\n')
}

type Row = readonly [key: string, text: string]

const RULES: Readonly<Record<string, string>> = {
  crash: 'crash (R1): connections were refused, or closed without an answer, and again a moment later',
  hang: 'hang (R3): silence on every connection, probes unanswered, and another upstream answered meanwhile',
  errors: 'errors (R4): bad answers, on more than one route',
  gray: 'gray (R5): requests stalled on more than one route although probes passed',
  health: 'health: its probes failed',
  operator: 'an operator took it out',
}

const aligned = (rows: readonly Row[]): readonly string[] =>
  rows.map(([key, text]) => `  ${plain(key).padEnd(10)} ${plain(text)}`)

function story({ summary }: ExplainView, evidence: GroundsView): readonly Row[] {
  const { rule } = evidence
  const figures = figuresInWords(evidence)
  return [
    ['now', summary],
    ...(rule === null ? [] : [['rule', RULES[rule] ?? rule] as const]),
    ...(figures === '' ? [] : [['figures', figures] as const]),
  ]
}

function standing({ decision, epoch, attention, damping, failback, failover, upstreams }: ExplainView): readonly Row[] {
  const from = decision.from === null ? '' : ` from ${decision.from}`
  const until = damping.until === null ? '' : `; failback suppressed until ${damping.until}`
  return [
    ['decision', `${decision.cause}${from} to ${decision.to ?? 'nobody'} at ${decision.at}, epoch ${epoch}`],
    ['reason', decision.reason],
    ['by', decision.by + (decision.pinned ? ' (stays until an operator or a failure changes it)' : '')],
    ...(attention ? [['attention', `${attention.unfit}; kept because: ${attention.keptBecause}`] as const] : []),
    ['failover', failover],
    ['failback', `${failback.mode}: ${failback.why}${failback.at === null ? '' : ` (due ${failback.at})`}`],
    ['damping', `${damping.points} points${until}`],
    ...upstreams.map(({ name, state, why, since }) => [name, `${state} since ${since}. ${why}`] as const),
  ]
}

/** `silenceMs: 405` as `silence 405 ms`. */
function figuresInWords({ figures }: GroundsView): string {
  const words = Object.entries(figures).map(([name, value]) => {
    const timed = name.endsWith('Ms')
    const label = (timed ? name.slice(0, -2) : name).replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
    return `${label} ${timed ? shortTime(value) : Math.round(value * 100) / 100}`
  })
  return words.join(', ')
}

function sightings({ upstreams }: GroundsView, when: string): readonly string[] {
  return upstreams.flatMap(({ name, inFlight, probes, failedAttempts }) => [
    `  what was seen of ${plain(name)} ${when} (${inFlight} in flight):`,
    ...columns([
      ...probes.map(({ at, verdict, latency, detail }) => [
        timeOf(at),
        `probe: ${verdict}`,
        shortTime(latency),
        detail,
      ]),
      ...failedAttempts.map(({ at, request, latency, what }) => [
        timeOf(at),
        `request: ${request}`,
        latency === null ? '' : shortTime(latency),
        what,
      ]),
    ]),
  ])
}

const timeOf = (instant: string): string => instant.slice(11)

/** In the order of time, each column as wide as its widest entry. */
function columns(table: readonly (readonly string[])[]): readonly string[] {
  const shown = [...table].sort(([a = ''], [b = '']) => (a < b ? -1 : Number(a > b))).map((row) => row.map(plain))
  const widths = [0, 1, 2].map((column) => Math.max(0, ...shown.map((row) => row[column]?.length ?? 0)))
  return shown.map((row) => `    ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`)
}
