// Runs wrk once and reads what a script of ours makes it say: wrk's own report knows neither the 99.9th percentile nor bodies.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runToEnd } from '../../process/run-to-end.ts'
import type { Run } from '../engine-bench.ts'
import { LOAD_CPU } from '../targets.ts'

export type WrkLoad = {
  readonly connections: number
  readonly path?: string
  readonly method?: string
  /** Bytes of the request's body. */
  readonly body?: number
  /** A connection serves one request. */
  readonly closing?: boolean
  readonly scheme?: 'http' | 'https'
  /** Not on the load's own core. */
  readonly unpinned?: boolean
}

const script = ({ method = 'GET', body = 0, closing = false }: WrkLoad): string => `
wrk.method = "${method}"
${body > 0 ? `wrk.body = string.rep("x", ${body})` : ''}
${closing ? 'wrk.headers["Connection"] = "close"' : ''}
function done(summary, latency)
  local e = summary.errors
  local errors = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format("measured %d good answers in %d us, p50 %d us, p99 %d us, p99.9 %d us, %d errors\\n",
    summary.requests - e.status, summary.duration, latency:percentile(50), latency:percentile(99), latency:percentile(99.9), errors))
end
`

const MEASURED = /^measured (\d+) good answers in (\d+) us, p50 (\d+) us, p99 (\d+) us, p99\.9 (\d+) us, (\d+) errors$/m

export const parseWrkReport = (report: string): Run => {
  const figures = MEASURED.exec(report)?.slice(1).map(Number)
  if (!figures) throw new Error(`wrk reported nothing usable:\n${report}`)
  const [amount, micros, p50, p99, p999, errors] = figures as [number, number, number, number, number, number]
  return { amount, seconds: micros / 1e6, p50Ms: p50 / 1e3, p99Ms: p99 / 1e3, p999Ms: p999 / 1e3, errors }
}

export const wrk =
  (workDir: string, load: WrkLoad) =>
  async (port: number, seconds: number): Promise<Run> => {
    const { connections, path = '/', scheme = 'http', unpinned = false } = load
    const cpu = unpinned ? undefined : LOAD_CPU
    const file = join(workDir, `wrk-${process.hrtime.bigint()}.lua`)
    writeFileSync(file, script(load))
    // It knows whole seconds only.
    const duration = `-d${Math.ceil(seconds)}s`
    const args = ['-t1', `-c${connections}`, duration, '-s', file, `${scheme}://127.0.0.1:${port}${path}`]
    return parseWrkReport(await runToEnd({ name: 'wrk', command: 'wrk', args, workDir, cpu }))
  }
