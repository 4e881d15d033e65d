// HTTP/2 in front, HTTP/1.1 behind.
import { readFileSync } from 'node:fs'
import type { EngineBench, Workload } from '../engine-bench.ts'
import { expectAnswer } from '../expect-answer.ts'
import { startStaticOrigin } from '../static-origin.ts'
import { LOAD_CPU } from '../targets.ts'
import { makeCertificate } from '../tls/certificate.ts'
import { runH2load } from './h2load.ts'
import { http2Request } from './http2-request.ts'

const CONNECTIONS = 16
const STREAMS = 10

const requests = (workDir: string): Workload => ({
  name: `${CONNECTIONS} × ${STREAMS}`,
  summary: `${CONNECTIONS} connections with ${STREAMS} requests under way on each, h2load`,
  unit: 'request',
  run: (port, seconds) => {
    const shape = { protocol: 'h2', connections: CONNECTIONS, streams: STREAMS } as const
    return runH2load({ ...shape, port, seconds, cpu: LOAD_CPU, workDir })
  },
})

export const http2Bench: EngineBench = {
  kind: 'http2',
  summary: 'requests over HTTP/2 in front, HTTP/1.1 behind',
  protocol: 'tls',
  tools: ['nginx', 'taskset', 'openssl', 'h2load'],
  defaultSeconds: 4,
  warmUpSeconds: 1,
  direct: false,
  goals: [],
  start: async (workDir) => {
    const certificate = makeCertificate(workDir)
    const origin = await startStaticOrigin(workDir, LOAD_CPU)
    const check = async (port: number) => {
      expectAnswer(await http2Request(port, readFileSync(certificate.certFile, 'utf8')))
    }
    return { front: { protocol: 'tls', certificate }, origin, workloads: [requests(workDir)], check, stop: origin.stop }
  },
}
