// HAProxy, tuned for an active/passive pair as its manual allows. Planned switches go through its runtime API.
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { startChild } from '../process/child.ts'
import { type Contender, type ContenderOptions, RESPONSE_TIMEOUT_MS, ready } from './contender.ts'
import { programVersion } from './program-version.ts'

const configure = ({ listenPort, primary, standby }: ContenderOptions, socket: string): string => `
global
  nbthread 1
  maxconn 8000
  stats socket ${socket} mode 600 level admin

defaults
  mode http
  timeout connect 250ms
  timeout client 60s
  timeout http-keep-alive 60s
  timeout server ${RESPONSE_TIMEOUT_MS}ms
  timeout check 100ms
  retries 3
  option redispatch 1
  retry-on all-retryable-errors

frontend web
  bind 127.0.0.1:${listenPort}
  default_backend pair

backend pair
  option httpchk GET /healthz
  # A POST must never be executed twice.
  http-request disable-l7-retry if METH_POST
  default-server check inter 100ms fastinter 50ms fall 2 rise 2 observe layer7 error-limit 3 on-error mark-down on-marked-down shutdown-sessions
  server ${primary.name} 127.0.0.1:${primary.port}
  server ${standby.name} 127.0.0.1:${standby.port} backup
`

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
    await ready(child, options.listenPort)
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
