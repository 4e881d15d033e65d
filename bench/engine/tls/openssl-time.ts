// Handshakes by `openssl s_time`: connect, TLS 1.3 handshake, one HTTP/1.0 request, its answer, close; one connection after the
// other in each of a few processes. It marks every connection as new (`*`) or resumed (`r`), so what was measured is certain.
// wrk is of no use here: with `Connection: close` it resumes its sessions.
import { now } from '../../clock.ts'
import { runToEnd } from '../../process/run-to-end.ts'
import type { Run } from '../engine-bench.ts'
import { ANSWER } from '../static-origin.ts'

export const PROCESSES = 8

export type Handshakes = 'new' | 'resumed'

export type TimeReport = { readonly fresh: number; readonly resumed: number; readonly bytesPerConnection: number }

/** The marks stand alone on a line, after them the sums. */
export const parseTimeReport = (text: string): TimeReport => {
  const bytes = /^\d+ connections in \d+ real seconds, (\d+) bytes read per connection/m.exec(text)?.[1]
  if (bytes === undefined) throw new Error(`openssl s_time reported nothing usable:\n${text.slice(-500)}`)
  const marks = (/^[*r]+$/m.exec(text)?.[0] ?? '').split('')
  const resumed = marks.filter((mark) => mark === 'r').length
  return { fresh: marks.length - resumed, resumed, bytesPerConnection: Number(bytes) }
}

/** More of the other kind than this would falsify the figure. */
const TOLERATED_SHARE = 0.01

/** Throws when many handshakes were not of this kind, or connections ended without the answer, which s_time does not mind. */
export const countHandshakes = (reports: readonly TimeReport[], kind: Handshakes): number => {
  const sum = (pick: (report: TimeReport) => number) => reports.reduce((total, report) => total + pick(report), 0)
  const others = sum((report) => (kind === 'new' ? report.resumed : report.fresh))
  const all = sum((report) => report.fresh + report.resumed)
  if (others > all * TOLERATED_SHARE) throw new Error(`${others} of ${all} handshakes were not ${kind}`)
  const short = reports.find(({ bytesPerConnection }) => bytesPerConnection < ANSWER.length)
  if (short) throw new Error(`connections ended after ${short.bytesPerConnection} bytes on average, without the answer`)
  return all
}

export type TimeOptions = {
  readonly kind: Handshakes
  readonly port: number
  readonly seconds: number
  readonly cpu: number
  readonly workDir: string
}

export const runOpensslTime = async ({ kind, port, seconds, cpu, workDir }: TimeOptions): Promise<Run> => {
  // It runs to the end of a whole second of the wall clock, up to one more than it was told.
  const told = Math.max(1, Math.round(seconds) - 1)
  const args = ['s_time', '-connect', `127.0.0.1:${port}`, '-www', '/', '-tls1_3', '-time', `${told}`]
  args.push(kind === 'new' ? '-new' : '-reuse')
  const startedAt = now()
  const outputs = await Promise.all(
    Array.from({ length: PROCESSES }, () => runToEnd({ name: 's_time', command: 'openssl', args, workDir, cpu })),
  )
  const elapsed = (now() - startedAt) / 1_000
  const amount = countHandshakes(outputs.map(parseTimeReport), kind)
  return { amount, seconds: elapsed, p50Ms: null, p99Ms: null, errors: 0 }
}
