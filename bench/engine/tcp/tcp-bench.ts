// Bytes through the proxy, and connections.
import type { EngineBench, Workload } from '../engine-bench.ts'
import { checkTcp } from './check.ts'
import type { TcpLoad } from './orders.ts'
import { startTcpLoad, startTcpOrigin } from './processes.ts'

type Described = Pick<Workload, 'name' | 'summary' | 'unit'> & TcpLoad

const stream = (mode: 'echo' | 'sink', connections: number): Described => ({
  name: `${mode}, ${connections} connection${connections === 1 ? '' : 's'}`,
  summary:
    mode === 'echo'
      ? '16 KiB writes that come back; counted once, though they pass the proxy twice'
      : '16 KiB writes to the origin, acknowledged by one byte each 64 KiB',
  unit: 'GiB',
  mode,
  connections,
})

const connects: Described = {
  name: 'connects',
  summary: 'connect, 32 bytes, 32 bytes back, close; 32 at a time',
  unit: 'connection',
  mode: 'exchange',
  connections: 32,
}

const WORKLOADS = [stream('echo', 1), stream('echo', 64), stream('sink', 1), stream('sink', 64), connects]

export const tcpBench: EngineBench = {
  kind: 'tcp',
  summary: 'bytes and connections through a TCP listener',
  protocol: 'tcp',
  tools: ['taskset'],
  defaultSeconds: 1.5,
  warmUpSeconds: 0.5,
  direct: true,
  goals: [
    { load: 'echo, 64 connections', measure: 'cpu', beside: 'haproxy', atMost: 1.1 },
    { load: 'sink, 64 connections', measure: 'cpu', beside: 'haproxy', atMost: 1.1 },
    { load: 'connects', measure: 'rate', beside: 'haproxy', atLeast: 0.8 },
  ],
  start: async (workDir) => {
    const origin = await startTcpOrigin(workDir)
    const load = await startTcpLoad(workDir)
    const workloads = WORKLOADS.map(({ name, summary, unit, mode, connections }): Workload => {
      const run = (port: number, seconds: number) => load.run({ mode, connections, port, seconds })
      return { name, summary, unit, run }
    })
    const stop = async () => {
      await load.stop()
      await origin.stop()
    }
    return { front: { protocol: 'tcp' }, origin, workloads, check: checkTcp, stop }
  },
}
