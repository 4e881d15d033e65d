// What clients cost in memory by being there: ten thousand that are idle, a thousand that read slowly.
import { fileURLToPath } from 'node:url'
import { nodeBinary } from '../../process/node-binary.ts'
import { runToEnd } from '../../process/run-to-end.ts'
import type { EngineBench, Run } from '../engine-bench.ts'
import { startOriginProcess } from '../origin-process.ts'
import { LOAD_CPU } from '../targets.ts'
import { bulkBody, pathOf } from './bulk-paths.ts'
import { download } from './download.ts'
import { BULK_ORIGIN } from './large-bench.ts'
import { wrk } from './wrk.ts'

const CROWD = fileURLToPath(new URL('./crowd.ts', import.meta.url))
const IDLE = 10_000
const SLOW = 1_000
const FILE = 10 * 2 ** 20
const SHORT = 47

type Crowd = { readonly clients: number; readonly path: string; readonly slow: boolean }

const crowd =
  (workDir: string, { clients, path, slow }: Crowd) =>
  async (port: number, seconds: number): Promise<Run> => {
    const flags = ['--port', port, '--clients', clients, '--seconds', seconds, '--path', path].map(String)
    const args = [CROWD, ...flags, ...(slow ? ['--slow'] : [])]
    return JSON.parse(await runToEnd({ name: 'crowd', command: nodeBinary(), args, workDir, cpu: LOAD_CPU })) as Run
  }

const check = async (port: number): Promise<void> => {
  const { status, body } = await download(port, pathOf(SHORT))
  if (status !== 200 || !body.equals(bulkBody(SHORT))) throw new Error(`status ${status}, ${body.length} bytes`)
}

export const memoryBench: EngineBench = {
  kind: 'memory',
  summary: 'memory for 10,000 idle clients, and for 1,000 that read 10 MiB slowly',
  protocol: 'http',
  tools: ['wrk', 'taskset'],
  defaultSeconds: 3,
  warmUpSeconds: 0,
  direct: false,
  freshEachRound: true,
  // HAProxy wants two file descriptors for each, whether it needs them or not, and says so where it cannot have them.
  settings: { clients: 10_500 },
  goals: [
    { load: 'idle', measure: 'memory', atMost: 10 },
    { load: 'slow readers', measure: 'peak', atMost: 200 },
  ],
  start: async (workDir) => {
    const origin = await startOriginProcess('bulk origin', BULK_ORIGIN, workDir)
    const warm = wrk(workDir, { connections: 64, path: pathOf(SHORT) })
    const prepare = async (port: number) => void (await warm(port, 2))
    const workloads = [
      {
        name: 'idle',
        summary: `${IDLE} clients that have had one answer each`,
        unit: 'client',
        prepare,
        run: crowd(workDir, { clients: IDLE, path: pathOf(SHORT), slow: false }),
      },
      {
        name: 'slow readers',
        summary: `${SLOW} clients that read an answer of ${FILE / 2 ** 20} MiB in pieces of 64 KiB, twice a second`,
        unit: 'client',
        prepare,
        run: crowd(workDir, { clients: SLOW, path: pathOf(FILE), slow: true }),
      },
    ] as const
    return { front: { protocol: 'http' }, origin, workloads, check, stop: origin.stop }
  },
}
