/** Two PostgreSQL servers, `left` and `right`, and a proxy before them; new ones for every test of a file. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import type { ClientProgram } from './client-program.ts'
import { makeCluster, PostgresServer, pgbench, psql, psqlSession } from './postgres.ts'
import { TestedProxy } from './tested-proxy.ts'
import { Workspace } from './workspace.ts'

export class PostgresPair {
  workspace!: Workspace
  left!: PostgresServer
  right!: PostgresServer
  proxy!: TestedProxy
  private readonly clients: ClientProgram[] = []

  /** Resolves with the port for clients. `pool`: its settings beside those that all tests have. */
  async startProxy(pool: object): Promise<number> {
    const upstreams = [this.left, this.right].map(({ name, port }) => ({ name, url: `tcp://127.0.0.1:${port}` }))
    const listeners = { db: { protocol: 'tcp', listen: '127.0.0.1:0', pool: 'orders' } }
    const pools = { orders: { upstreams, probe: { type: 'postgres' }, ...pool } }
    this.proxy = await TestedProxy.start({ listeners, pools }, this.workspace)
    return this.proxy.port('db')
  }

  /** Four sessions on the left, all of which have begun. */
  async load(port: number, ...args: readonly string[]): Promise<ClientProgram> {
    const bench = this.keep(pgbench(port, '--client=4', '--time=30', ...args))
    const begun = "select count(*) >= 4 from pg_stat_activity where application_name = 'pgbench' and query ~ 'pgbench_'"
    for (;;) {
      if (bench.ended) throw new Error(`the load has ended: ${bench.stderr}`)
      if ((await psql(this.left.port, begun)).stdout === 't\n') return bench
    }
  }

  session(port: number): ClientProgram {
    return this.keep(psqlSession(port))
  }

  async start(): Promise<void> {
    const begin = (name: string) => PostgresServer.start(name, this.workspace)
    ;[this.left, this.right] = await Promise.all([begin('left'), begin('right')])
  }

  async stop(): Promise<void> {
    for (const client of this.clients.splice(0)) client.end()
    await this.proxy?.stop()
    await Promise.all([this.left?.stop(), this.right?.stop()])
  }

  private keep(client: ClientProgram): ClientProgram {
    this.clients.push(client)
    return client
  }
}

/** To be called where the tests are described. */
export function usePostgresPair(): PostgresPair {
  const pair = new PostgresPair()
  beforeAll(async () => {
    pair.workspace = new Workspace()
    await makeCluster(pair.workspace)
  })
  beforeEach(() => pair.start())
  afterEach(() => pair.stop())
  afterAll(() => pair.workspace.remove())
  return pair
}
