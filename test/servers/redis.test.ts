// Redis with its own clients, through a TCP pool: the primary dies or freezes, and the roles of the two are changed.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ClientProgram } from '../support/servers/client-program.ts'
import { requires } from '../support/servers/installed-program.ts'
import { RedisServer, redisBenchmark, redisCli, redisPrograms, redisSession } from '../support/servers/redis.ts'
import { LONGEST_OUTAGE, servedAgain, tell } from '../support/servers/served-again.ts'
import { TestedProxy } from '../support/servers/tested-proxy.ts'
import { Workspace } from '../support/servers/workspace.ts'

const { missing, title } = requires('Redis', redisPrograms)

const served = (by: string) => ({ code: 0, stdout: `${by}\n`, stderr: '' })
const CONNECTIONS = 20

describe.skipIf(missing)(title, () => {
  let workspace: Workspace
  let left: RedisServer
  let right: RedisServer
  let proxy: TestedProxy
  let clients: ClientProgram[]

  beforeEach(async () => {
    workspace = new Workspace()
    clients = []
    ;[left, right] = await Promise.all([RedisServer.start('left', workspace), RedisServer.start('right', workspace)])
  })

  afterEach(async () => {
    for (const client of clients) client.end()
    await proxy?.stop()
    await Promise.all([left?.stop(), right?.stop()])
    workspace.remove()
  })

  async function start(probe: object, pool: object = {}): Promise<number> {
    const upstreams = [left, right].map(({ name, port }) => ({ name, url: `tcp://127.0.0.1:${port}` }))
    const listeners = { cache: { protocol: 'tcp', listen: '127.0.0.1:0', pool: 'cache' } }
    const pools = { cache: { upstreams, probe: { type: 'redis', ...probe }, ...pool } }
    proxy = await TestedProxy.start({ listeners, pools }, workspace)
    return proxy.port('cache')
  }

  function keep(client: ClientProgram): ClientProgram {
    clients.push(client)
    return client
  }

  const who = (port: number) => redisCli(port, 'get', 'name')

  const becomes = (active: string | null) => proxy.until('cache', `${active} active`, (view) => view.active === active)

  it('serves redis-cli and redis-benchmark from the primary', async () => {
    const port = await start({})
    expect(await who(port)).toEqual(served('left'))
    const { code, stdout } = await redisBenchmark(port, '-n', '5000', '-c', '10', '-t', 'set', '-P', '8').finished
    expect(code).toBe(0)
    expect(stdout).toMatch(/SET: [\d.]+ requests per second/)
    await expect.poll(() => proxy.sessions().filter(({ error }) => error !== null)).toEqual([])
  })

  it('a client that connects just after the primary was killed notices nothing', async () => {
    const port = await start({ interval: '10s', timeout: '2s' })
    expect(await who(port)).toEqual(served('left'))
    await left.kill()
    expect(await who(port)).toEqual(served('right'))
  })

  it.each(['killed', 'frozen'])('once the primary is %s under load, clients are soon served again', async (fault) => {
    const port = await start({}, { drain: { spread: '0ms' } })
    const load = keep(redisBenchmark(port, '-n', '100000000', '-c', String(CONNECTIONS), '-t', 'get'))
    await proxy.until('cache', 'the load', ({ upstreams }) => (upstreams[0]?.tunnels ?? 0) >= CONNECTIONS)
    const since = performance.now()
    const ended = load.finished.then(() => performance.now() - since)
    if (fault === 'frozen') left.freeze()
    else await left.kill()
    const [query, bench] = await Promise.all([
      servedAgain(() => who(port)),
      servedAgain(() => redisBenchmark(port, '-n', '100', '-c', '5', '-t', 'get').finished),
    ])
    console.log(
      `Redis, ${CONNECTIONS} connections, primary ${fault}: redis-cli served again after ${tell(query)}, ` +
        `redis-benchmark after ${tell(bench)}; the load was told after ${(await ended).toFixed(0)} ms`,
    )
    expect(Math.max(query.ms, bench.ms, await ended)).toBeLessThan(LONGEST_OUTAGE)
    expect(await who(port)).toEqual(served('right'))
  })

  it('role primary: nobody is served by a replica, and clients follow whoever is promoted', async () => {
    await redisCli(right.port, 'replicaof', '127.0.0.1', String(left.port))
    const port = await start({ role: 'primary' }, { hold: { time: '10s' }, failback: { mode: 'manual' } })
    await left.kill()
    const waiting = redisCli(port, 'set', 'written', 'later')
    await becomes(null)
    expect((await proxy.pool('cache')).upstreams[1]?.health.detail).toBe('is a replica')
    await redisCli(right.port, 'replicaof', 'no', 'one')
    expect(await waiting).toEqual(served('OK'))
    expect(await redisCli(right.port, 'get', 'written')).toEqual(served('later'))
  })

  it('role primary: a primary that becomes a replica loses its clients to the new one', async () => {
    await redisCli(right.port, 'replicaof', '127.0.0.1', String(left.port))
    const drain = { failover: 'cut', spread: '0ms' }
    const port = await start({ role: 'primary' }, { drain, hold: { time: '10s' }, failback: { mode: 'manual' } })
    const session = keep(redisSession(port))
    session.write('set written before\n')
    await session.says(/OK/)
    await redisCli(right.port, 'replicaof', 'no', 'one')
    await redisCli(left.port, 'replicaof', '127.0.0.1', String(right.port))
    await becomes('right')
    session.write('set written into-the-void\n')
    await session.says(/Connection reset by peer/)
    expect(await redisCli(port, 'set', 'written', 'after')).toEqual(served('OK'))
    expect(await redisCli(right.port, 'get', 'written')).toEqual(served('after'))
    await expect
      .poll(() => proxy.sessions().map(({ upstream, error }) => [upstream, error]))
      .toContainEqual(['left', 'cut'])
  })

  it('role primary: clients of a primary that has frozen are freed when its replica is promoted', async () => {
    await redisCli(right.port, 'replicaof', '127.0.0.1', String(left.port))
    const drain = { spread: '0ms' }
    const port = await start({ role: 'primary' }, { drain, hold: { time: '10s' }, failback: { mode: 'manual' } })
    const session = keep(redisSession(port))
    session.write('set written before\n')
    await session.says(/OK/)
    left.freeze()
    session.write('get written\n')
    await redisCli(right.port, 'replicaof', 'no', 'one')
    await session.says(/Connection reset by peer/)
    expect(await redisCli(port, 'set', 'written', 'after')).toEqual(served('OK'))
    expect(await redisCli(right.port, 'get', 'written')).toEqual(served('after'))
  })

  it('without a role, a replica takes over for readers, and refuses writes', async () => {
    await redisCli(right.port, 'replicaof', '127.0.0.1', String(left.port))
    const port = await start({})
    await left.kill()
    expect(await who(port)).toMatchObject({ code: 0 })
    expect((await redisCli(port, 'set', 'written', 'now')).stderr).toContain('READONLY')
  })
})
