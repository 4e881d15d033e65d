// Runs autocannon once and reads its report. It costs more CPU than wrk, so it saturates sooner than a fast proxy does:
// its requests per second say little, its CPU per request of the proxy says the same.
import { createRequire } from 'node:module'
import { runToEnd } from '../process/run-to-end.ts'
import { CONNECTIONS, type LoadOptions, type LoadRun } from './load-run.ts'

const program = createRequire(import.meta.url).resolve('autocannon/autocannon.js')

export const parseAutocannonReport = (text: string): LoadRun => {
  const report = JSON.parse(text.slice(text.indexOf('{')))
  return {
    requests: report.requests.total,
    requestsPerSecond: report.requests.average,
    p50Ms: report.latency.p50,
    p99Ms: report.latency.p99,
    errors: report.errors + report.non2xx,
  }
}

export const runAutocannon = async ({ port, seconds, cpu, workDir }: LoadOptions): Promise<LoadRun> => {
  const options = ['--json', '--no-progress', '-c', `${CONNECTIONS}`, '-d', `${seconds}`]
  const args = [program, ...options, `http://127.0.0.1:${port}/`]
  return parseAutocannonReport(await runToEnd({ name: 'autocannon', command: process.execPath, args, workDir, cpu }))
}
