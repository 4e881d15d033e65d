// HAProxy: tuned for an active/passive pair as its manual allows; the same with a hair trigger, which moves at the first error;
// and with its defaults for everything that has one. Planned switches go through its runtime API.
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { startChild } from '../process/child.ts'
import { addressOf, type Contender, type ContenderOptions, frontReady, RESPONSE_TIMEOUT_MS } from './contender.ts'
import { HTTP } from './front.ts'
import { programVersion } from './program-version.ts'

const CHECKED = 'check inter 100ms fastinter 50ms fall 2 rise 2'

const bind = ({ listenPort, front = HTTP }: ContenderOptions): string =>
  front.protocol === 'tls'
    ? `bind 127.0.0.1:${listenPort} ssl crt ${front.certificate.bundleFile} alpn h2,http/1.1`
    : `bind 127.0.0.1:${listenPort}`

const HTTP_TUNED = `
  mode http
  timeout connect 250ms
  timeout client 60s
  timeout http-keep-alive 60s
  timeout server ${RESPONSE_TIMEOUT_MS}ms
  timeout check 100ms
  retries 3
  option redispatch 1
  retry-on all-retryable-errors`

const TCP_TUNED = `
  mode tcp
  timeout connect 250ms
  timeout client 60s
  timeout server 60s
  timeout check 100ms
  retries 3
  option redispatch 1`

const httpBackend = (errorLimit: number): string => `
  option httpchk GET /healthz
  # A POST must never be executed twice.
  http-request disable-l7-retry if METH_POST
  default-server ${CHECKED} observe layer7 error-limit ${errorLimit} on-error mark-down on-marked-down shutdown-sessions`

type Part = { readonly defaults: string; readonly backend: string; readonly perServer?: string }

const tuned = (errorLimit: number): Part => ({ defaults: HTTP_TUNED, backend: httpBackend(errorLimit) })

// Its timeouts have no defaults: these are those of Debian's package. Nor does it check anything without being told to.
const DEFAULTS: Part = {
  defaults: `
  mode http
  timeout connect 5000
  timeout client 50000
  timeout server 50000`,
  backend: `
  option httpchk GET /healthz`,
  perServer: ' check',
}

// Twice the bytes for the same CPU time with many connections. `option splice-auto` was not better than this.
const LARGE_BUFFERS = `
  tune.bufsize 65536`

const TCP_BACKEND = `
  default-server ${CHECKED} observe layer4 error-limit 3 on-error mark-down on-marked-down shutdown-sessions`

const TCP: Part = { defaults: TCP_TUNED, backend: TCP_BACKEND }

const configure = (options: ContenderOptions, socket: string, http: Part): string => {
  const { primary, standby, front = HTTP, settings } = options
  const tcp = front.protocol === 'tcp'
  const { defaults, backend, perServer = '' } = tcp ? TCP : http
  return `
global
  nbthread 1
  maxconn ${settings?.clients ?? 8000}${tcp ? LARGE_BUFFERS : ''}
  stats socket ${socket} mode 600 level admin

defaults${defaults}

frontend web
  ${bind(options)}
  default_backend pair

backend pair${backend}
  server ${primary.name} ${addressOf(primary)}${perServer}
  server ${standby.name} ${addressOf(standby)}${perServer} backup
`
}

const runtimeCommand = (socket: string, command: string): Promise<void> =>
  new Promise((resolve, reject) => {
    let reply = ''
    const connection = connect(socket, () => connection.write(`${command}\n`))
    connection.setEncoding('utf8')
    connection.on('data', (chunk: string) => {
      reply += chunk
    })
    connection.once('error', reject)
    connection.once('end', () => {
      // Silence is HAProxy's yes.
      if (reply.trim() === '') resolve()
      else reject(new Error(`haproxy refused "${command}": ${reply.trim()}`))
    })
  })

const start =
  (part: Part): Contender['start'] =>
  async (options) => {
    const socket = join(options.workDir, 'haproxy.sock')
    const file = join(options.workDir, 'haproxy.cfg')
    const configuration = configure(options, socket, part)
    writeFileSync(file, configuration)
    const child = await startChild({
      name: 'haproxy',
      command: 'haproxy',
      args: ['-db', '-f', file],
      logFile: join(options.workDir, 'haproxy.log'),
      cpu: options.cpu,
    })
    await frontReady(child, options)
    const server = `pair/${options.primary.name}`
    return {
      pid: child.pid,
      configuration,
      log: child.output,
      stop: child.end,
      switchover: () => runtimeCommand(socket, `set server ${server} state drain`),
      failback: () => runtimeCommand(socket, `set server ${server} state ready`),
    }
  }

export const haproxy: Contender = {
  name: 'haproxy',
  hasSwitchoverApi: true,
  fronts: ['http', 'tls', 'tcp'],
  available: () => programVersion('haproxy', ['-v'], /version (\S+)/),
  start: start(tuned(3)),
}

const variant = (name: string, part: Part): Contender => ({
  ...haproxy,
  name,
  variantOf: haproxy.name,
  fronts: ['http'],
  start: start(part),
})

export const haproxyHairTrigger = variant('haproxy-hair-trigger', tuned(1))
export const haproxyDefaults = variant('haproxy-defaults', DEFAULTS)
