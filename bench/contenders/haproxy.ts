// HAProxy, tuned for an active/passive pair as its manual allows. Planned switches go through its runtime API.
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { startChild } from '../process/child.ts'
import { type Contender, type ContenderOptions, frontReady, RESPONSE_TIMEOUT_MS } from './contender.ts'
import { HTTP } from './front.ts'
import { programVersion } from './program-version.ts'

const CHECKED = 'check inter 100ms fastinter 50ms fall 2 rise 2'

const bind = ({ listenPort, front = HTTP }: ContenderOptions): string =>
  front.protocol === 'tls'
    ? `bind 127.0.0.1:${listenPort} ssl crt ${front.certificate.bundleFile} alpn h2,http/1.1`
    : `bind 127.0.0.1:${listenPort}`

const HTTP_DEFAULTS = `
  mode http
  timeout connect 250ms
  timeout client 60s
  timeout http-keep-alive 60s
  timeout server ${RESPONSE_TIMEOUT_MS}ms
  timeout check 100ms
  retries 3
  option redispatch 1
  retry-on all-retryable-errors`

const TCP_DEFAULTS = `
  mode tcp
  timeout connect 250ms
  timeout client 60s
  timeout server 60s
  timeout check 100ms
  retries 3
  option redispatch 1`

const HTTP_BACKEND = `
  option httpchk GET /healthz
  # A POST must never be executed twice.
  http-request disable-l7-retry if METH_POST
  default-server ${CHECKED} observe layer7 error-limit 3 on-error mark-down on-marked-down shutdown-sessions`

// Twice the bytes for the same CPU time with many connections. `option splice-auto` was not better than this.
const LARGE_BUFFERS = `
  tune.bufsize 65536`

const TCP_BACKEND = `
  default-server ${CHECKED} observe layer4 error-limit 3 on-error mark-down on-marked-down shutdown-sessions`

const configure = (options: ContenderOptions, socket: string): string => {
  const { primary, standby, front = HTTP } = options
  const tcp = front.protocol === 'tcp'
  return `
global
  nbthread 1
  maxconn 8000${tcp ? LARGE_BUFFERS : ''}
  stats socket ${socket} mode 600 level admin

defaults${tcp ? TCP_DEFAULTS : HTTP_DEFAULTS}

frontend web
  ${bind(options)}
  default_backend pair

backend pair${tcp ? TCP_BACKEND : HTTP_BACKEND}
  server ${primary.name} 127.0.0.1:${primary.port}
  server ${standby.name} 127.0.0.1:${standby.port} backup
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

export const haproxy: Contender = {
  name: 'haproxy',
  hasSwitchoverApi: true,
  fronts: ['http', 'tls', 'tcp'],
  available: () => programVersion('haproxy', ['-v'], /version (\S+)/),
  start: async (options) => {
    const socket = join(options.workDir, 'haproxy.sock')
    const file = join(options.workDir, 'haproxy.cfg')
    const configuration = configure(options, socket)
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
  },
}
