// Small requests: GET, and POST with a body that a client's form would have.
import { httpRequest } from '../../contenders/contender.ts'
import { isInstalled } from '../../contenders/program-version.ts'
import type { EngineBench, Workload } from '../engine-bench.ts'
import { expectAnswer } from '../expect-answer.ts'
import { startStaticOrigin } from '../static-origin.ts'
import { LOAD_CPU } from '../targets.ts'
import { autocannon } from './autocannon.ts'
import { wrk } from './wrk.ts'

export const CONNECTIONS = 64
const KEPT = `${CONNECTIONS} connections that stay`

const withWrk = (workDir: string): readonly Workload[] => [
  {
    name: 'GET',
    summary: `47 bytes, ${KEPT}, wrk`,
    unit: 'request',
    run: wrk(workDir, { connections: CONNECTIONS }),
  },
  {
    name: 'POST',
    summary: `1 KiB there, 47 bytes back, ${KEPT}, wrk`,
    unit: 'request',
    run: wrk(workDir, { connections: CONNECTIONS, method: 'POST', body: 1_024 }),
  },
]

const withAutocannon = (workDir: string): Workload => ({
  name: 'GET, autocannon',
  summary: `the same GET, loaded by autocannon, which saturates its core before a fast proxy does`,
  unit: 'request',
  run: autocannon(workDir, CONNECTIONS),
})

export const expectStaticAnswer = async (port: number): Promise<void> => {
  const { status, text } = await httpRequest(port, 'GET', '/')
  expectAnswer({ status, body: text })
}

export const throughputBench: EngineBench = {
  kind: 'throughput',
  summary: 'small requests on connections that stay',
  protocol: 'http',
  tools: ['nginx', 'taskset'],
  defaultSeconds: 4,
  warmUpSeconds: 2,
  direct: true,
  goals: [
    { load: 'GET', measure: 'cpu', beside: 'haproxy', atMost: 1 },
    { load: 'GET', measure: 'cpu', beside: 'http-proxy', atMost: 1 / 8 },
    { load: 'POST', measure: 'cpu', beside: 'haproxy', atMost: 1 },
  ],
  start: async (workDir) => {
    const origin = await startStaticOrigin(workDir, LOAD_CPU)
    const workloads = [...(isInstalled('wrk') ? withWrk(workDir) : []), withAutocannon(workDir)]
    return { front: { protocol: 'http' }, origin, workloads, check: expectStaticAnswer, stop: origin.stop }
  },
}
