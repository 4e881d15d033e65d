import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { redisProbe } from '../../../src/probe/redis-probe.ts'
import { certificate, key } from '../../support/self-signed.ts'
import { findProgram } from '../../support/servers/installed-program.ts'
import { InstalledServer, vacantPort } from '../../support/servers/installed-server.ts'
import { Workspace } from '../../support/servers/workspace.ts'
import { Signal } from '../../support/signal.ts'
import { ask, atPort, atSocket } from './ask.ts'

const program = findProgram('redis-server')
const title = program ? 'a real Redis' : 'a real Redis (skipped: redis-server is not installed)'

const any = redisProbe({ role: 'any' })
const primary = redisProbe({ role: 'primary' })

let workspace: Workspace
let servers: InstalledServer[]

async function start(name: string, ready: RegExp, ...options: readonly string[]) {
  const socket = join(workspace.path, `${name}.sock`)
  const common = ['--port', '0', '--unixsocket', socket, '--dir', workspace.path, '--save', '']
  const server = new InstalledServer(program ?? '', [...common, '--dbfilename', 'dump.rdb', ...options], workspace)
  servers.push(server)
  await server.says(ready)
  return { server, target: atSocket(socket), socket }
}

const READY = /ready to accept connections/i

/** Commands of a client that goes on to hold its connection. */
async function client(socket: string, ...commands: readonly string[]) {
  const signal = new Signal()
  const connection = connect(socket)
  let answers = 0
  connection.on('data', (bytes) => {
    answers += bytes.toString('latin1').split('\r\n').length - 1
    signal.notify()
  })
  connection.write(commands.map((command) => `${command}\r\n`).join(''))
  await signal.until(() => answers >= commands.length, 'the answers')
  return connection
}

beforeEach(() => {
  workspace = new Workspace()
  servers = []
})

afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()))
  workspace.remove()
})

describe.skipIf(!program)(title, () => {
  it('passes, and is told from its replica', async () => {
    const { target, socket } = await start('primary', READY)
    expect(await ask(any, target)).toEqual({ verdict: 'pass', failure: null, detail: 'PONG' })
    expect(await ask(primary, target)).toEqual({ verdict: 'pass', failure: null, detail: 'PONG, primary' })
    ;(await client(socket, 'REPLICAOF 127.0.0.1 1')).destroy()
    expect(await ask(any, target)).toMatchObject({ verdict: 'pass' })
    expect(await ask(primary, target)).toEqual({ verdict: 'fail', failure: null, detail: 'is a replica' })
  })

  it('is alive when it asks for a password, but does not show its role', async () => {
    const { target } = await start('locked', READY, '--requirepass', 'secret')
    expect(await ask(any, target)).toEqual({
      verdict: 'pass',
      failure: null,
      detail: 'alive, but NOAUTH Authentication required.',
    })
    expect(await ask(primary, target)).toEqual({
      verdict: 'fail',
      failure: null,
      detail: 'its role cannot be seen: NOAUTH Authentication required.',
    })
  })

  it('fails when it has no more connections', async () => {
    // Not by its unix socket: there our PING is answered by the kernel when it comes after the refusal.
    const port = await vacantPort()
    const { socket } = await start('full', READY, '--maxclients', '1', '--port', String(port))
    const holder = await client(socket, 'PING')
    expect(await ask(any, atPort(port))).toEqual({
      verdict: 'fail',
      failure: null,
      detail: 'ERR max number of clients reached',
    })
    holder.destroy()
  })

  it('fails while it loads its data', async () => {
    const { server, socket } = await start('written', READY)
    const value = 'x'.repeat(2_000)
    const writes = Array.from({ length: 100 }, (_none, index) => `SET key${index} ${value}`)
    ;(await client(socket, 'CONFIG SET rdbcompression no', ...writes, 'SAVE')).destroy()
    await server.stop()
    const slow = ['--key-load-delay', '100000', '--loading-process-events-interval-bytes', '1024']
    const { target } = await start('loading', /Loading RDB/, ...slow)
    expect(await ask(any, target)).toEqual({
      verdict: 'fail',
      failure: null,
      detail: 'LOADING Redis is loading the dataset in memory',
    })
  })

  it('is a timeout when its process has stopped, although its socket still takes connections', async () => {
    const { server, target } = await start('stopped', READY)
    server.send('SIGSTOP')
    expect(await ask(any, target, 200)).toEqual({
      verdict: 'fail',
      failure: 'timeout',
      detail: 'no answer within 200 ms',
    })
  })

  it('is asked over TLS with the certificate that it demands', async () => {
    const port = await vacantPort()
    const pem = workspace.file('cert.pem', certificate)
    const files = ['--tls-cert-file', pem, '--tls-key-file', workspace.file('key.pem', key), '--tls-ca-cert-file', pem]
    await start('tls', READY, '--tls-port', String(port), '--bind', '127.0.0.1', ...files)
    const tls = { verify: true, ca: certificate }
    expect(await ask(primary, { ...atPort(port), tls: { ...tls, cert: certificate, key } })).toMatchObject({
      verdict: 'pass',
    })
    expect((await ask(primary, { ...atPort(port), tls })).verdict).toBe('fail')
  })
})
