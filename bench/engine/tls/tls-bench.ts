// TLS in front, HTTP/1.1 behind: requests on connections that stay, and handshakes.
import { readFileSync } from 'node:fs'
import { isInstalled } from '../../contenders/program-version.ts'
import type { EngineBench, Run, Workload } from '../engine-bench.ts'
import { expectAnswer } from '../expect-answer.ts'
import { CONNECTIONS } from '../http/get-bench.ts'
import { wrk } from '../http/wrk.ts'
import { runH2load } from '../http2/h2load.ts'
import { startStaticOrigin } from '../static-origin.ts'
import { LOAD_CPU } from '../targets.ts'
import { makeCertificate } from './certificate.ts'
import { httpsRequest } from './https-request.ts'
import { type Handshakes, PROCESSES, runOpensslTime } from './openssl-time.ts'

const withWrk = isInstalled('wrk')

type Timed = { readonly port: number; readonly seconds: number; readonly cpu: number; readonly workDir: string }

const runKeepAlive = ({ port, seconds, cpu, workDir }: Timed): Promise<Run> =>
  withWrk
    ? wrk(workDir, { connections: CONNECTIONS, scheme: 'https' })(port, seconds)
    : runH2load({ port, seconds, cpu, workDir, protocol: 'http/1.1', connections: CONNECTIONS, streams: 1 })

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

export const tlsBench: EngineBench = {
  kind: 'tls',
  summary: 'requests and handshakes, full and resumed, over TLS',
  protocol: 'tls',
  tools: ['nginx', 'taskset', 'openssl', 'wrk or h2load'],
  defaultSeconds: 3,
  warmUpSeconds: 1,
  direct: false,
  goals: [
    { load: 'keep-alive', measure: 'cpu', beside: 'haproxy', atMost: 1.5 },
    { load: 'full handshake', measure: 'rate', beside: 'haproxy', atLeast: 0.7 },
  ],
  start: async (workDir) => {
    const certificate = makeCertificate(workDir)
    const origin = await startStaticOrigin(workDir, LOAD_CPU)
    const check = async (port: number) => {
      expectAnswer(await httpsRequest(port, readFileSync(certificate.certFile, 'utf8')))
    }
    return { front: { protocol: 'tls', certificate }, origin, workloads: workloads(workDir), check, stop: origin.stop }
  },
}
