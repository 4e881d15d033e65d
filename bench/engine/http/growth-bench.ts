// Whether the cost of a request grows with what is configured beside it: ours alone, with one pool, a hundred and a thousand.
import { understudy } from '../../contenders/understudy.ts'
import type { EngineBench } from '../engine-bench.ts'
import { startStaticOrigin } from '../static-origin.ts'
import { LOAD_CPU } from '../targets.ts'
import { CONNECTIONS, expectStaticAnswer } from './get-bench.ts'
import { wrk } from './wrk.ts'

export const growthBench: EngineBench = {
  kind: 'growth',
  summary: 'requests while a hundred and a thousand other pools are watched, too (ours alone)',
  protocol: 'http',
  tools: ['nginx', 'wrk', 'taskset'],
  defaultSeconds: 4,
  warmUpSeconds: 2,
  direct: false,
  takesPart: ({ name, variantOf }) => name === understudy.name || (variantOf === understudy.name && /pools/.test(name)),
  goals: [
    { load: 'GET', measure: 'cpu', of: 'understudy-100-pools', beside: 'understudy', atMost: 1.1 },
    { load: 'GET', measure: 'cpu', of: 'understudy-1000-pools', beside: 'understudy', atMost: 1.1 },
  ],
  start: async (workDir) => {
    const origin = await startStaticOrigin(workDir, LOAD_CPU)
    const run = wrk(workDir, { connections: CONNECTIONS })
    const workloads = [
      { name: 'GET', summary: `on ${CONNECTIONS} connections that stay`, unit: 'request', run } as const,
    ]
    return { front: { protocol: 'http' }, origin, workloads, check: expectStaticAnswer, stop: origin.stop }
  },
}
