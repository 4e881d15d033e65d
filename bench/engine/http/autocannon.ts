// Runs autocannon once and reads its report. It costs more CPU than wrk, so it saturates sooner than a fast proxy does:
// its requests per second say little, its CPU per request of the proxy says the same.
import { createRequire } from 'node:module'
import { nodeBinary } from '../../process/node-binary.ts'
import { runToEnd } from '../../process/run-to-end.ts'
import type { Run } from '../engine-bench.ts'
import { LOAD_CPU } from '../targets.ts'

const program = createRequire(import.meta.url).resolve('autocannon/autocannon.js')

export const parseAutocannonReport = (text: string): Run => {
  const report = JSON.parse(text.slice(text.indexOf('{')))
  return {
    amount: report['2xx'],
    seconds: report.duration,
    p50Ms: report.latency.p50,
    p99Ms: report.latency.p99,
    p999Ms: report.latency.p99_9,
    errors: report.errors + report.non2xx,
  }
}

export const autocannon =
  (workDir: string, connections: number) =>
  async (port: number, seconds: number): Promise<Run> => {
    const options = ['--json', '--no-progress', '-c', `${connections}`, '-d', `${Math.ceil(seconds)}`]
    const args = [program, ...options, `http://127.0.0.1:${port}/`]
    const text = await runToEnd({ name: 'autocannon', command: nodeBinary(), args, workDir, cpu: LOAD_CPU })
    return parseAutocannonReport(text)
  }
