// What a second thread brings: the same load on one worker and on two, with all cores for everybody. Load and origin need cores
// as well, so that on two of them only what costs the proxy far more than them can show it: HTTP/2 both ways, as gRPC has it.
import { readFileSync } from 'node:fs'
import { understudy, understudyWith2Workers } from '../../contenders/understudy.ts'
import type { EngineBench, Workload } from '../engine-bench.ts'
import { expectAnswer } from '../expect-answer.ts'
import { runH2load } from '../http2/h2load.ts'
import { http2Request } from '../http2/http2-request.ts'
import { startStaticOrigin } from '../static-origin.ts'
import { makeCertificate } from '../tls/certificate.ts'

const CONNECTIONS = 64
const STREAMS = 4

const requests = (workDir: string): Workload => ({
  name: 'HTTP/2',
  summary: `${CONNECTIONS} connections with ${STREAMS} requests under way on each, h2load; no core is anybody's own`,
  unit: 'request',
  run: (port, seconds) => {
    const shape = { protocol: 'h2', connections: CONNECTIONS, streams: STREAMS } as const
    return runH2load({ ...shape, port, seconds, cpu: undefined, workDir })
  },
})

export const workersBench: EngineBench = {
  kind: 'workers',
  summary: 'the rate with one worker and with two (ours alone), over HTTP/2 both ways',
  protocol: 'tls',
  tools: ['nginx', 'openssl', 'h2load'],
  defaultSeconds: 4,
  warmUpSeconds: 2,
  direct: false,
  unpinned: true,
  settings: { http2Upstreams: true },
  takesPart: ({ name }) => name === understudy.name || name === understudyWith2Workers.name,
  goals: [{ load: 'HTTP/2', measure: 'rate', of: understudyWith2Workers.name, beside: understudy.name, atLeast: 1.6 }],
  start: async (workDir) => {
    const certificate = makeCertificate(workDir)
    const origin = await startStaticOrigin(workDir, undefined, 'h2')
    const check = async (port: number) => {
      expectAnswer(await http2Request(port, readFileSync(certificate.certFile, 'utf8')))
    }
    const front = { protocol: 'tls', certificate } as const
    return { front, origin, workloads: [requests(workDir)], check, stop: origin.stop }
  },
}
