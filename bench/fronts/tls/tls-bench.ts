// TLS in front, HTTP/1.1 behind: requests on connections that stay, and handshakes.
import { readFileSync } from 'node:fs'
import { isInstalled } from '../../contenders/program-version.ts'
import { CONNECTIONS } from '../../throughput/load-run.ts'
import { startStaticOrigin } from '../../throughput/static-origin.ts'
import { LOAD_CPU } from '../../throughput/targets.ts'
import { runWrk } from '../../throughput/wrk.ts'
import { expectAnswer } from '../expect-answer.ts'
import type { FrontBench, Run, Workload } from '../front-bench.ts'
import { runH2load } from '../http2/h2load.ts'
import { makeCertificate } from './certificate.ts'
import { httpsRequest } from './https-request.ts'
import { type Handshakes, PROCESSES, runOpensslTime } from './openssl-time.ts'

const withWrk = isInstalled('wrk')

type Timed = { readonly port: number; readonly seconds: number; readonly cpu: number; readonly workDir: string }

const runKeepAlive = async (timed: Timed): Promise<Run> => {
  if (!withWrk) return runH2load({ ...timed, protocol: 'http/1.1', connections: CONNECTIONS, streams: 1 })
  const { requests, requestsPerSecond, p50Ms, p99Ms, errors } = await runWrk({ ...timed, scheme: 'https' })
  return { amount: requests, seconds: requests / requestsPerSecond, p50Ms, p99Ms, errors }
}

const workloads = (workDir: string): readonly Workload[] => {
  const handshakes = (kind: Handshakes) => (port: number, seconds: number) =>
    runOpensslTime({ kind, port, seconds, cpu: LOAD_CPU, workDir })
  const oneRequest = `TLS 1.3, one HTTP/1.0 request a connection, openssl s_time, ${PROCESSES} at a time`
  return [
    {
      name: 'keep-alive',
      summary: `${CONNECTIONS} connections that stay, ${withWrk ? 'wrk' : 'h2load --h1'}`,
      unit: 'request',
      run: (port, seconds) => runKeepAlive({ port, seconds, cpu: LOAD_CPU, workDir }),
    },
    { name: 'full handshake', summary: `no resumption; ${oneRequest}`, unit: 'handshake', run: handshakes('new') },
    { name: 'resumed handshake', summary: `by ticket; ${oneRequest}`, unit: 'handshake', run: handshakes('resumed') },
  ]
}

export const tlsBench: FrontBench = {
  kind: 'tls',
  protocol: 'tls',
  tools: ['nginx', 'taskset', 'openssl', 'wrk or h2load'],
  defaultSeconds: 3,
  warmUpSeconds: 1,
  direct: false,
  start: async (workDir) => {
    const certificate = makeCertificate(workDir)
    const origin = await startStaticOrigin(workDir, LOAD_CPU)
    const check = async (port: number) => {
      expectAnswer(await httpsRequest(port, readFileSync(certificate.certFile, 'utf8')))
    }
    return { front: { protocol: 'tls', certificate }, origin, workloads: workloads(workDir), check, stop: origin.stop }
  },
}
