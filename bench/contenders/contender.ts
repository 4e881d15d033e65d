// What a proxy must offer to be measured. One file a contender; the registry lists them.
import { request } from 'node:http'
import { until } from '../clock.ts'
import { HEALTH_PATH } from '../origin/shop.ts'
import type { Child } from '../process/child.ts'

export type Upstream = { readonly name: string; readonly port: number }

export type ContenderOptions = {
  readonly listenPort: number
  readonly adminPort: number
  readonly primary: Upstream
  readonly standby: Upstream
  /** An existing directory for configuration, logs and state. */
  readonly workDir: string
  /** Pin to this core. */
  readonly cpu?: number | undefined
}

export type RunningContender = {
  readonly pid: number
  /** What it was configured with, for the results file: every peer's configuration is published. */
  readonly configuration: string
  /** The process log, for error messages. */
  log(): string
  stop(): Promise<void>
  /** Planned switch to the standby and back, where the contender has an API for it. */
  switchover?(): Promise<void>
  failback?(): Promise<void>
}

export type Contender = {
  readonly name: string
  /** Version, or null when it is not installed. */
  available(): string | null
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
    const headers = { 'Content-Type': 'application/json', Connection: 'close' }
    const req = request({ host: '127.0.0.1', port, method, path, headers, timeout: 5_000 }, (response) => {
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

/** Waits until the path answers 200; if the program dies or never gets there, it is ended and its output is in the error. */
export const ready = async (child: Child, port: number, path = HEALTH_PATH): Promise<void> => {
  try {
    await until(
      `${child.name} to answer ${path}`,
      () => {
        if (!child.isRunning()) throw new Error(`${child.name} exited while starting`)
        return answersOk(port, path)
      },
      READY_DEADLINE_MS,
    )
  } catch (error) {
    const output = child.output()
    await child.end()
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${output}`)
  }
}
