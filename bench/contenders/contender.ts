// What a proxy must offer to be measured. One file a contender; the registry lists them.
import { request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { connect } from 'node:net'
import { until } from '../clock.ts'
import { HEALTH_PATH } from '../origin/shop.ts'
import type { Child } from '../process/child.ts'
import { type Front, type FrontProtocol, HTTP } from './front.ts'

export type Upstream = {
  readonly name: string
  readonly port: number
  /** 127.0.0.1 when not given. */
  readonly host?: string
}

export const addressOf = ({ host = '127.0.0.1', port }: Upstream): string => `${host}:${port}`

/** What a scenario asks of contenders that can do it; the others ignore it. */
export type PairSettings = {
  /** The upstreams speak HTTP/2, without TLS. */
  readonly http2Upstreams?: boolean
  readonly failbackAfterMs?: number
  /** Continue large downloads that were cut. */
  readonly resume?: boolean
  /** That many clients at once must be served. */
  readonly clients?: number
}

export type ContenderOptions = {
  readonly listenPort: number
  readonly adminPort: number
  readonly primary: Upstream
  readonly standby: Upstream
  /** An existing directory for configuration, logs and state. */
  readonly workDir: string
  /** Pin to this core. */
  readonly cpu?: number | undefined
  /** Plain HTTP when not given. */
  readonly front?: Front | undefined
  readonly settings?: PairSettings | undefined
}

export type RunningContender = {
  /** Also the id of its process group. */
  readonly pid: number
  /** What it was configured with, for the results file: every peer's configuration is published. */
  readonly configuration: string
  /** The process log, for error messages. */
  log(): string
  stop(): Promise<void>
  /** Planned switch to the standby and back, where the contender has an API for it. */
  switchover?(): Promise<void>
  failback?(): Promise<void>
  /** The monotonic moments at which it has moved its traffic, where it keeps an account of that. */
  switches?(): Promise<readonly number[]>
}

export type Contender = {
  readonly name: string
  /** Another configuration of this one; takes part only in the gauntlet, or when it is named. */
  readonly variantOf?: string
  /** It has no failover of its own: of faults there is nothing to compare. */
  readonly engineOnly?: boolean
  /** No proxy, but something to measure proxies by: takes part only when it is named. */
  readonly yardstick?: boolean
  /** Version, or null when it is not installed. */
  available(): string | null
  /** What it can be put in front of a pair for. */
  readonly fronts: readonly FrontProtocol[]
  /** For programs in parts: what is not installed of what this front needs, or null. */
  missingFor?(front: FrontProtocol): string | null
  start(options: ContenderOptions): Promise<RunningContender>
  readonly hasSwitchoverApi: boolean
}

export const RESPONSE_TIMEOUT_MS = 5_000
const READY_DEADLINE_MS = 10_000

export const httpRequest = (
  port: number,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'Content-Type': 'application/json' }
    // No agent, a connection for each: with one, Node writes again on a connection of which it has said `close`.
    const target = { host: '127.0.0.1', port, method, path, headers, agent: false, timeout: 5_000 }
    const req = request(target, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.once('error', reject)
    })
    req.once('timeout', () => req.destroy(new Error(`no answer to ${method} ${path} on port ${port}`)))
    req.once('error', reject)
    req.end(body === undefined ? undefined : JSON.stringify(body))
  })

const answersOk = (port: number, path: string): Promise<boolean> =>
  httpRequest(port, 'GET', path).then(
    (answer) => answer.status === 200,
    () => false,
  )

const answersOkOverTls = (port: number, path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const target = { host: '127.0.0.1', port, path, agent: false, rejectUnauthorized: false, timeout: 5_000 }
    const req = secureRequest(target, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    req.once('timeout', () => req.destroy(new Error('no answer')))
    req.once('error', () => resolve(false))
    req.end()
  })

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

/** If the program dies or never gets there, it is ended and its output is in the error. */
const becomes = async (child: Child, what: string, condition: () => Promise<boolean>): Promise<void> => {
  try {
    await until(
      `${child.name} to ${what}`,
      () => {
        if (!child.isRunning()) throw new Error(`${child.name} exited while starting`)
        return condition()
      },
      READY_DEADLINE_MS,
    )
  } catch (error) {
    const output = child.output()
    await child.end()
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${output}`)
  }
}

/** Waits until the path answers 200. */
export const ready = (child: Child, port: number, path = HEALTH_PATH): Promise<void> =>
  becomes(child, `answer ${path}`, () => answersOk(port, path))

export const accepting = (child: Child, port: number): Promise<void> =>
  becomes(child, 'accept connections', () => accepts(port))

/** Waits until clients of its front are served; for TCP, whose bytes mean nothing to it, until it accepts. */
export const frontReady = (child: Child, { listenPort, front = HTTP }: ContenderOptions): Promise<void> => {
  switch (front.protocol) {
    case 'http':
      return ready(child, listenPort)
    case 'tls':
      return becomes(child, `answer ${HEALTH_PATH} over TLS`, () => answersOkOverTls(listenPort, HEALTH_PATH))
    case 'tcp':
      return accepting(child, listenPort)
  }
}
