// Runs wrk once and reads its report.
import { runToEnd } from '../process/run-to-end.ts'
import { CONNECTIONS, type LoadOptions, type LoadRun } from './load-run.ts'

const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000 }

const percentile = (report: string, share: number): number => {
  const match = new RegExp(`^\\s*${share}%\\s+([\\d.]+)(us|ms|s|m)$`, 'm').exec(report)
  return match ? Number(match[1]) * (UNIT_MS[match[2] as string] ?? Number.NaN) : Number.NaN
}

const errorsIn = (report: string): number => {
  const sockets = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(report)?.slice(1) ?? []
  const statuses = /Non-2xx or 3xx responses: (\d+)/.exec(report)?.slice(1) ?? []
  return [...sockets, ...statuses].reduce((sum, each) => sum + Number(each), 0)
}

export const parseWrkReport = (report: string): LoadRun => {
  const requests = /(\d+) requests in/.exec(report)?.[1]
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(report)?.[1]
  if (requests === undefined || rate === undefined) throw new Error(`wrk reported nothing usable:\n${report}`)
  return {
    requests: Number(requests),
    requestsPerSecond: Number(rate),
    p50Ms: percentile(report, 50),
    p99Ms: percentile(report, 99),
    errors: errorsIn(report),
  }
}

export const runWrk = async ({ port, seconds, cpu, workDir, scheme = 'http' }: LoadOptions): Promise<LoadRun> => {
  // It knows whole seconds only.
  const duration = `-d${Math.ceil(seconds)}s`
  const args = ['-t1', `-c${CONNECTIONS}`, duration, '--latency', `${scheme}://127.0.0.1:${port}/`]
  return parseWrkReport(await runToEnd({ name: 'wrk', command: 'wrk', args, workDir, cpu }))
}
