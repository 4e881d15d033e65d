import { globSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mysqlProbe } from '../../../src/probe/mysql-probe.ts'
import { findProgram } from '../../support/servers/installed-program.ts'
import { InstalledServer } from '../../support/servers/installed-server.ts'
import { Workspace } from '../../support/servers/workspace.ts'
import { Signal } from '../../support/signal.ts'
import { ask, atSocket } from './ask.ts'

const program = findProgram('mariadbd')
const title = program ? 'a real MariaDB' : 'a real MariaDB (skipped: mariadbd is not installed)'

/** What a server says of clients that hang up on its greeting. */
const COMPLAINTS = /aborted connection|got packets|bad handshake/i
const MOST_CONNECTIONS = 10

let workspace: Workspace
let server: InstalledServer
let socket: string

const probe = (user: string) => mysqlProbe({ user })
const version = /^10\.|^11\.|^12\.|^5\.5\.5-/

/** What `mariadb-install-db` does, and four users. */
function tables(home: string): string {
  const files = ['mysql_system_tables.sql', 'mysql_performance_tables.sql', 'mysql_system_tables_data.sql']
  // A line, a statement.
  return [
    'CREATE DATABASE mysql;',
    'USE mysql;',
    "SET @auth_root_socket=NULL, @skip_auth_anonymous=1, @current_hostname='localhost';",
    ...files.map((name) => readFileSync(join(home, name), 'utf8')),
    'FLUSH PRIVILEGES;',
    'CREATE USER watcher;',
    "CREATE USER guarded IDENTIFIED BY 'secret';",
    'CREATE USER elsewhere IDENTIFIED VIA unix_socket;',
    'CREATE USER locked ACCOUNT LOCK;\n',
  ].join('\n')
}

/** Each has heard its greeting and does not answer it. */
async function waitingClients(count: number): Promise<Socket[]> {
  const signal = new Signal()
  let greeted = 0
  const clients = Array.from({ length: count }, () => connect(socket))
  for (const client of clients) {
    client.once('data', () => {
      greeted++
      signal.notify()
    })
  }
  await signal.until(() => greeted === count, 'the greetings')
  return clients
}

describe.skipIf(!program)(title, () => {
  beforeAll(async () => {
    workspace = new Workspace()
    socket = join(workspace.path, 'mariadb.sock')
    const [home = ''] = globSync(join(dirname(program ?? ''), '..', 'share', '{mysql,mariadb}'))
    const common = ['--no-defaults', `--datadir=${workspace.path}`, `--lc-messages-dir=${home}`, '--skip-log-bin']
    workspace.run(program ?? '', [...common, '--bootstrap'], tables(home))
    const limits = [`--max-connections=${MOST_CONNECTIONS}`, '--log-warnings=9']
    const args = [...common, ...limits, '--skip-networking', `--socket=${socket}`]
    server = new InstalledServer(program ?? '', args, workspace)
    await server.says(/ready for connections/)
  }, 60_000)

  afterAll(async () => {
    await server.stop()
    workspace.remove()
  })

  it('passes when it lets us in', async () => {
    const found = await ask(probe('watcher'), atSocket(socket))
    expect([found.verdict, found.failure]).toEqual(['pass', null])
    expect(found.detail).toMatch(version)
    expect(found.detail).not.toContain('but')
  })

  it.each([
    ['nobody', /but Access denied for user 'nobody'@'localhost' .*\(1045\)$/],
    ['guarded', /but Access denied for user 'guarded'@'localhost' .*\(1045\)$/],
    ['elsewhere', /but Access denied for user 'elsewhere'@'localhost' \(1698\)$/],
    ['locked', /but Access denied, this account is locked \(4151\)$/],
  ])('is alive when it does not let in %s', async (user, detail) => {
    const found = await ask(probe(user), atSocket(socket))
    expect([found.verdict, found.failure]).toEqual(['pass', null])
    expect(found.detail).toMatch(version)
    expect(found.detail).toMatch(detail)
  })

  it('has seen no client that hung up on its greeting', async () => {
    const from = server.output.length
    const [client] = await waitingClients(1)
    client?.destroy()
    await server.says(COMPLAINTS, from)
    expect(server.output.slice(0, from)).not.toMatch(COMPLAINTS)
  })

  it('fails when it has no more connections', async () => {
    const clients = await waitingClients(MOST_CONNECTIONS + 1)
    expect(await ask(probe('watcher'), atSocket(socket))).toEqual({
      verdict: 'fail',
      failure: null,
      detail: 'Too many connections (1040)',
    })
    for (const client of clients) client.destroy()
  })

  it('is a timeout when its process has stopped, although its socket still takes connections', async () => {
    server.send('SIGSTOP')
    expect(await ask(probe('watcher'), atSocket(socket), 200)).toEqual({
      verdict: 'fail',
      failure: 'timeout',
      detail: 'no answer within 200 ms',
    })
    server.send('SIGCONT')
  })
})
