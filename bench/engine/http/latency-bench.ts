// What a proxy adds to the time of a request: alone on one connection, and at a steady rate that is far from its limit.
import { fileURLToPath } from 'node:url'
import { nodeBinary } from '../../process/node-binary.ts'
import { runToEnd } from '../../process/run-to-end.ts'
import type { EngineBench, Run } from '../engine-bench.ts'
import { startStaticOrigin } from '../static-origin.ts'
import { LOAD_CPU } from '../targets.ts'
import { expectStaticAnswer } from './get-bench.ts'
import { wrk } from './wrk.ts'

const PACED_LOAD = fileURLToPath(new URL('./paced-load.ts', import.meta.url))
const RATE = 5_000
const CONNECTIONS = 32

const paced =
  (workDir: string) =>
  async (port: number, seconds: number): Promise<Run> => {
    const flags = ['--port', port, '--rate', RATE, '--seconds', seconds, '--connections', CONNECTIONS].map(String)
    const args = ['-n', '19', nodeBinary(), PACED_LOAD, ...flags]
    return JSON.parse(await runToEnd({ name: 'paced-load', command: 'nice', args, workDir, cpu: LOAD_CPU })) as Run
  }

export const latencyBench: EngineBench = {
  kind: 'latency',
  summary: 'time added to a request: alone on one connection, and at 5,000 a second',
  protocol: 'http',
  tools: ['nginx', 'wrk', 'taskset', 'nice'],
  defaultSeconds: 4,
  warmUpSeconds: 2,
  direct: true,
  goals: [
    { load: 'one by one', measure: 'p50', beside: 'haproxy', atMostMore: 0.02 },
    { load: `${RATE} a second`, measure: 'p99', beside: 'haproxy', atMost: 1.2 },
  ],
  start: async (workDir) => {
    const origin = await startStaticOrigin(workDir, LOAD_CPU)
    const workloads = [
      {
        name: 'one by one',
        summary: 'one connection, each request when the one before is answered, wrk',
        unit: 'request',
        run: wrk(workDir, { connections: 1 }),
      },
      {
        name: `${RATE} a second`,
        summary: `open loop on ${CONNECTIONS} connections; latency counts from when a request was due`,
        unit: 'request',
        run: paced(workDir),
      },
    ] as const
    return { front: { protocol: 'http' }, origin, workloads, check: expectStaticAnswer, stop: origin.stop }
  },
}
