import { connect, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { postgresProbe } from '../../../src/probe/postgres-probe.ts'
import { certificate, key } from '../../support/self-signed.ts'
import { findProgram } from '../../support/servers/installed-program.ts'
import { InstalledServer, vacantPort } from '../../support/servers/installed-server.ts'
import { Workspace } from '../../support/servers/workspace.ts'
import { Signal } from '../../support/signal.ts'
import { ask, atPort } from './ask.ts'

const program = findProgram('postgres', '/usr/lib/postgresql/*/bin', '/usr/pgsql-*/bin')
const title = program ? 'a real PostgreSQL' : 'a real PostgreSQL (skipped: its server is not installed)'

const probe = (user: string, database = 'postgres') => postgresProbe({ user, database })

const ACCESS = `
local all all trust
host postgres admin 127.0.0.1/32 trust
host all guest 127.0.0.1/32 trust
host postgres understudy 127.0.0.1/32 scram-sha-256
`
/** What a server says of clients that do not keep to its protocol. */
const COMPLAINTS = /unexpected|could not (receive|accept|send)|SSL error|invalid|protocol|incomplete|reset/i

let workspace: Workspace
let server: InstalledServer
let port: number

async function start(...options: readonly string[]): Promise<void> {
  port = await vacantPort()
  const settings = {
    hba_file: workspace.file('pg_hba.conf', ACCESS),
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: workspace.path,
    max_connections: '3',
    superuser_reserved_connections: '1',
    max_wal_senders: '0',
    fsync: 'off',
    lc_messages: 'C',
  }
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  server = new InstalledServer(program ?? '', ['-D', join(workspace.path, 'data'), ...args, ...options], workspace)
  await server.says(/ready to accept connections/)
}

/** With the length that a message of the protocol begins with. */
const sized = (type: string, body: string) =>
  Buffer.from(`${type}\0\0\0${String.fromCharCode(body.length + 4)}${body}`, 'latin1')

/** A session of an administrator, that goes on until it is destroyed. */
async function session(query: string | null = null): Promise<Socket> {
  const signal = new Signal()
  const socket = connect(join(workspace.path, `.s.PGSQL.${port}`))
  let ready = 0
  socket.on('data', (bytes) => {
    // ReadyForQuery, idle: the last thing that is said.
    if (bytes.toString('latin1').endsWith('Z\0\0\0\x05I')) ready++
    signal.notify()
  })
  socket.write(sized('', '\0\x03\0\0user\0admin\0database\0postgres\0\0'))
  await signal.until(() => ready === 1, 'the session')
  if (query === null) return socket
  socket.write(sized('Q', `${query}\0`))
  await signal.until(() => ready === 2, 'the answer')
  return socket
}

describe.skipIf(!program)(title, () => {
  beforeAll(async () => {
    workspace = new Workspace()
    const initdb = join(dirname(program ?? ''), 'initdb')
    const data = join(workspace.path, 'data')
    workspace.run(initdb, ['-D', data, '-U', 'admin', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'])
    await start()
  }, 60_000)

  afterAll(async () => {
    await server.stop('SIGQUIT')
    workspace.remove()
  })

  it('passes when it asks for a password, whoever we are', async () => {
    expect(await ask(probe('understudy'), atPort(port))).toEqual({
      verdict: 'pass',
      failure: null,
      detail: 'asks for credentials',
    })
  })

  it('passes when it lets us in', async () => {
    expect(await ask(probe('admin'), atPort(port))).toEqual({ verdict: 'pass', failure: null, detail: 'ready' })
  })

  it.each([
    ['guest', 'postgres', /^alive, but role "guest" does not exist \(28000\)$/],
    ['guest', 'nowhere', /^alive, but role "guest" does not exist \(28000\)$/],
    ['stranger', 'postgres', /^alive, but no pg_hba.conf entry for host .* \(28000\)$/],
  ])('is alive when it does not let in %s', async (user, database, detail) => {
    const found = await ask(probe(user, database), atPort(port))
    expect([found.verdict, found.failure]).toEqual(['pass', null])
    expect(found.detail).toMatch(detail)
  })

  it('is alive when it does not know the database', async () => {
    ;(await session('CREATE ROLE guest LOGIN')).destroy()
    expect(await ask(probe('guest', 'nowhere'), atPort(port))).toEqual({
      verdict: 'pass',
      failure: null,
      detail: 'alive, but database "nowhere" does not exist (3D000)',
    })
  })

  it('fails when it has sessions left for administrators only, and when it has none', async () => {
    const sessions = [await session(), await session()]
    const reserved = await ask(probe('guest'), atPort(port))
    expect([reserved.verdict, reserved.failure]).toEqual(['fail', null])
    expect(reserved.detail).toMatch(/^remaining connection slots are reserved .*\(53300\)$/)
    sessions.push(await session())
    expect(await ask(probe('understudy'), atPort(port))).toEqual({
      verdict: 'fail',
      failure: null,
      detail: 'sorry, too many clients already (53300)',
    })
    for (const each of sessions) each.end('X\0\0\0\x04')
  })

  it('fails over TLS that it does not speak', async () => {
    expect(await ask(probe('understudy'), { ...atPort(port), tls: { verify: true } })).toEqual({
      verdict: 'fail',
      failure: null,
      detail: 'the server does not speak TLS',
    })
  })

  it('is a timeout when its process has stopped, although its port still takes connections', async () => {
    server.send('SIGSTOP')
    expect(await ask(probe('understudy'), atPort(port), 200)).toEqual({
      verdict: 'fail',
      failure: 'timeout',
      detail: 'no answer within 200 ms',
    })
    server.send('SIGCONT')
  })

  it('fails while it is shutting down', async () => {
    const last = await session()
    const from = server.output.length
    server.send('SIGTERM')
    await server.says(/received smart shutdown request/, from)
    expect(await ask(probe('understudy'), atPort(port))).toEqual({
      verdict: 'fail',
      failure: null,
      detail: 'the database system is shutting down (57P03)',
    })
    last.end('X\0\0\0\x04')
    await server.says(/database system is shut down/, from)
    expect(await ask(probe('understudy'), atPort(port))).toMatchObject({ verdict: 'fail', failure: 'refused' })
  })

  it('has had nothing to complain of, with TLS or without', async () => {
    await server.stop()
    // The probe that found nobody at home has left its startup packet to whoever woke up.
    expect(server.output).not.toMatch(COMPLAINTS)
    const files = [
      `ssl_cert_file=${workspace.file('cert.pem', certificate)}`,
      `ssl_key_file=${workspace.file('key.pem', key)}`,
    ]
    await start(...['ssl=on', ...files].flatMap((setting) => ['-c', setting]))
    const target = { ...atPort(port), tls: { verify: true, ca: certificate } }
    expect(await ask(probe('understudy'), target)).toMatchObject({ verdict: 'pass', detail: 'asks for credentials' })
    expect(await ask(probe('admin'), target)).toMatchObject({ verdict: 'pass', detail: 'ready' })
    expect(await ask(probe('stranger'), target)).toMatchObject({ verdict: 'pass' })
    await server.stop()
    expect(server.output).not.toMatch(COMPLAINTS)
    expect(server.output).toContain('database system is shut down')
  })
})
