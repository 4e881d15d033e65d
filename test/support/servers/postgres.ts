/** PostgreSQL servers: one cluster is made and copied, so each has data of its own, the same to begin with. */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, lchownSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { certificate, key } from '../self-signed.ts'
import type { ClientOptions, Finished } from './client-program.ts'
import { ClientProgram } from './client-program.ts'
import { findProgram, nobody } from './installed-program.ts'
import { InstalledServer, vacantPort } from './installed-server.ts'
import type { Workspace } from './workspace.ts'

const FOLDERS = ['/usr/lib/postgresql/*/bin', '/usr/pgsql-*/bin']
export const postgresPrograms = {
  postgres: findProgram('postgres', ...FOLDERS),
  psql: findProgram('psql', ...FOLDERS),
  pgbench: findProgram('pgbench', ...FOLDERS),
}

/** With a user `app` that needs no password, one for probes that would need one, and the tables of pgbench. */
export async function makeCluster(workspace: Workspace): Promise<void> {
  const data = join(workspace.path, 'template')
  const initdb = join(dirname(postgresPrograms.postgres ?? ''), 'initdb')
  workspace.run(initdb, ['-D', data, '-U', 'app', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'])
  const server = await PostgresServer.start('template', workspace)
  const args = [...pgbenchArgs(server.port, '-i'), '--quiet']
  const { code, stderr } = await ClientProgram.run(postgresPrograms.pgbench ?? '', args)
  await server.stop()
  if (code !== 0) throw new Error(`pgbench -i: ${stderr}`)
}

const ACCESS = `
host all understudy 127.0.0.1/32 scram-sha-256
host all app 127.0.0.1/32 trust
host replication app 127.0.0.1/32 trust
host postgres failover 127.0.0.1/32 trust
`

export class PostgresServer {
  readonly name: string
  readonly port: number
  private readonly data: string
  private readonly server: InstalledServer

  private constructor(name: string, port: number, workspace: Workspace) {
    this.name = name
    this.port = port
    this.data = join(workspace.path, name)
    const settings = {
      port: String(port),
      cluster_name: name,
      hba_file: workspace.file(`${name}-hba.conf`, ACCESS),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      ssl: 'on',
      ssl_cert_file: workspace.file(`${name}-cert.pem`, certificate),
      ssl_key_file: workspace.file(`${name}-key.pem`, key),
      shared_buffers: '16MB',
      dynamic_shared_memory_type: 'mmap',
      fsync: 'off',
      lc_messages: 'C',
    }
    const args = Object.entries(settings).flatMap(([setting, value]) => ['-c', `${setting}=${value}`])
    this.server = new InstalledServer(postgresPrograms.postgres ?? '', ['-D', this.data, ...args], workspace)
  }

  static async start(name: string, workspace: Workspace, port?: number): Promise<PostgresServer> {
    const data = join(workspace.path, name)
    if (!existsSync(data)) copy(join(workspace.path, 'template'), data)
    const server = new PostgresServer(name, port ?? (await vacantPort()), workspace)
    await server.server.says(/ready to accept (read-only )?connections/)
    return server
  }

  /** One that streams from this one. */
  async replica(name: string, workspace: Workspace): Promise<PostgresServer> {
    const backup = join(dirname(postgresPrograms.postgres ?? ''), 'pg_basebackup')
    const from = `host=127.0.0.1 port=${this.port} user=app`
    workspace.run(backup, ['-D', join(workspace.path, name), '-d', from, '-R', '-c', 'fast'])
    return await PostgresServer.start(name, workspace)
  }

  get output(): string {
    return this.server.output
  }

  freeze(): void {
    this.server.toAll('SIGSTOP')
  }

  async kill(): Promise<void> {
    await this.server.kill()
    this.forgetMemory()
  }

  async stop(): Promise<void> {
    await this.server.stop('SIGQUIT')
  }

  /** A few bytes of shared memory, which tell a next server on this data that nobody uses it, outlive one that was killed. */
  private forgetMemory(): void {
    const file = join(this.data, 'postmaster.pid')
    const [, id] = /^ *\d+ +(\d+) *$/m.exec(existsSync(file) ? readFileSync(file, 'utf8') : '') ?? []
    if (id !== undefined) spawnSync('ipcrm', ['-m', id])
  }
}

function copy(from: string, to: string): void {
  cpSync(from, to, { recursive: true, preserveTimestamps: true })
  if (!nobody) return
  const inside = readdirSync(to, { recursive: true, encoding: 'utf8' })
  for (const name of ['.', ...inside]) lchownSync(join(to, name), nobody.uid, nobody.gid)
}

export const pgbenchArgs = (port: number, ...args: readonly string[]): readonly string[] => [
  ...args,
  ...['--host=127.0.0.1', `--port=${port}`, '--username=app', 'postgres'],
]

/** `-X`, `-At`: nobody's settings, and nothing but the values. */
const psqlArgs = (port: number, more: string): readonly string[] => [
  '-XAtq',
  `host=127.0.0.1 port=${port} user=app dbname=postgres ${more}`,
]

export function psql(port: number, query: string, more = '', options: ClientOptions = {}): Promise<Finished> {
  return ClientProgram.run(postgresPrograms.psql ?? '', [...psqlArgs(port, more), '-c', query], options)
}

/** One that reads its queries from its input, and stays. */
export function psqlSession(port: number): ClientProgram {
  return new ClientProgram(postgresPrograms.psql ?? '', psqlArgs(port, ''))
}

export function pgbench(port: number, ...args: readonly string[]): ClientProgram {
  return new ClientProgram(postgresPrograms.pgbench ?? '', pgbenchArgs(port, '-n', ...args))
}
