// What connections cost: opened for one request each, few, and many.
import type { EngineBench, Workload } from '../engine-bench.ts'
import { startStaticOrigin } from '../static-origin.ts'
import { LOAD_CPU } from '../targets.ts'
import { CONNECTIONS, expectStaticAnswer } from './get-bench.ts'
import { wrk } from './wrk.ts'

const FEW = 10
const MANY = 5_000

const kept = (workDir: string, connections: number): Workload => ({
  name: `${connections} kept`,
  summary: `GET on ${connections} connections that stay`,
  unit: 'request',
  run: wrk(workDir, { connections }),
})

export const connectionsBench: EngineBench = {
  kind: 'connections',
  summary: 'client connections opened and closed for each request; few of them and many',
  protocol: 'http',
  tools: ['nginx', 'wrk', 'taskset'],
  defaultSeconds: 4,
  warmUpSeconds: 2,
  direct: true,
  goals: [
    { load: 'one request each', measure: 'cpu', beside: 'haproxy', atMost: 1.3 },
    { load: `${MANY} kept`, measure: 'cpu', besideLoad: `${FEW} kept`, atMost: 1.1 },
  ],
  start: async (workDir) => {
    const origin = await startStaticOrigin(workDir, LOAD_CPU)
    const each: Workload = {
      name: 'one request each',
      summary: `GET with Connection: close, ${CONNECTIONS} connections at a time`,
      unit: 'request',
      run: wrk(workDir, { connections: CONNECTIONS, closing: true }),
    }
    const workloads = [each, kept(workDir, FEW), kept(workDir, MANY)]
    return { front: { protocol: 'http' }, origin, workloads, check: expectStaticAnswer, stop: origin.stop }
  },
}
