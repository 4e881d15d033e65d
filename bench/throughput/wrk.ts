// Runs wrk once and reads its report.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startChild } from '../process/child.ts'
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

export const runWrk = async (options: LoadOptions): Promise<LoadRun> => {
  const logFile = join(options.workDir, `wrk-${options.port}-${process.hrtime.bigint()}.txt`)
  const child = await startChild({
    name: 'wrk',
    command: 'wrk',
    args: ['-t1', `-c${CONNECTIONS}`, `-d${options.seconds}s`, '--latency', `http://127.0.0.1:${options.port}/`],
    logFile,
    cpu: options.cpu,
  })
  await child.exited
  await child.end()
  return parseWrkReport(readFileSync(logFile, 'utf8'))
}
