// PostgreSQL with its own clients, through a TCP pool: what they notice when the primary dies, and what they do not.
import { describe, expect, it } from 'vitest'
import { certificate } from '../support/self-signed.ts'
import { requires } from '../support/servers/installed-program.ts'
import { pgbench, postgresPrograms, psql } from '../support/servers/postgres.ts'
import { usePostgresPair } from '../support/servers/postgres-pair.ts'
import { LONGEST_OUTAGE, servedAgain, tell } from '../support/servers/served-again.ts'

const { missing, title } = requires('PostgreSQL', postgresPrograms)

const KINDS = [{ kind: 'stateless' }, { kind: 'singleWriter' }] as const

/** So seldom that nothing is learned from them in time: only a client that connects finds out. */
const SLOW_PROBES = { probe: { type: 'postgres', interval: '10s', timeout: '2s' } }

const WHO = 'show cluster_name'
const served = (by: string) => ({ code: 0, stdout: `${by}\n`, stderr: '' })

describe.skipIf(missing)(title, () => {
  const pair = usePostgresPair()

  it('serves psql and pgbench from the primary', async () => {
    const port = await pair.startProxy({})
    expect(await psql(port, WHO)).toEqual(served('left'))
    const { code, stdout } = await pgbench(port, '--client=4', '--transactions=50').finished
    expect(code).toBe(0)
    expect(stdout).toContain('number of transactions actually processed: 200/200')
    expect(stdout).toContain('number of failed transactions: 0')
  })

  it('leaves TLS to the two of them', async () => {
    const port = await pair.startProxy({})
    const encrypted = 'select ssl from pg_stat_ssl where pid = pg_backend_pid()'
    const root = pair.workspace.file('root.pem', certificate)
    expect(await psql(port, encrypted, 'sslmode=require')).toEqual(served('t'))
    expect(await psql(port, encrypted, `sslmode=verify-full sslrootcert=${root}`)).toEqual(served('t'))
    expect(await psql(port, encrypted, 'sslmode=disable')).toEqual(served('f'))
  })

  it('has no failure to tell of sessions that came to a regular end, with TLS or without', async () => {
    const port = await pair.startProxy({})
    for (const mode of ['disable', 'require']) await psql(port, WHO, `sslmode=${mode}`)
    await expect.poll(() => pair.proxy.sessions().map(({ error }) => error)).toEqual([null, null])
  })

  it('takes a cancellation, which is a connection of its own, to the server of the query', async () => {
    const port = await pair.startProxy({})
    const session = pair.session(port)
    session.write("select 'begins';\nselect pg_sleep(60);\n")
    await session.says(/begins/)
    const sleeps = "select count(*) = 1 from pg_stat_activity where query ~ '^select pg_sleep' and state = 'active'"
    await expect.poll(async () => (await psql(pair.left.port, sleeps)).stdout, { timeout: 10_000 }).toBe('t\n')
    session.interrupt()
    await session.says(/canceling statement due to user request/)
  })

  it('probes without a word in the log of a server that would ask for a password', async () => {
    // A probe that is broken off for its timeout would be told of: no busy machine takes that long.
    await pair.startProxy({ probe: { type: 'postgres', interval: '1s', timeout: '900ms' } })
    const start = Date.now()
    const lastProbe = ({ health }: { health: { lastProbe: string | null } }) => Date.parse(health.lastProbe ?? '')
    await pair.proxy.until('orders', 'some probes', ({ upstreams }) =>
      upstreams.every((upstream) => lastProbe(upstream) > start + 1_500),
    )
    const { upstreams } = await pair.proxy.pool('orders')
    expect(upstreams.map(({ health }) => health.status)).toEqual(['healthy', 'healthy'])
    expect(upstreams[0]?.health.detail).toMatch(/^asks for credentials/)
    const after = (output: string) => output.split('ready to accept connections\n')[1]
    expect([after(pair.left.output), after(pair.right.output)]).toEqual(['', ''])
  })

  it.each(KINDS)('a psql that connects just after the primary was killed notices nothing ($kind)', async ({ kind }) => {
    const port = await pair.startProxy({ kind, ...SLOW_PROBES })
    expect(await psql(port, WHO)).toEqual(served('left'))
    await pair.left.kill()
    expect(await psql(port, WHO)).toEqual(served('right'))
    const connecting = await pgbench(port, '--connect', '-S', '--client=2', '--transactions=20').finished
    expect(connecting.stderr).not.toContain('error')
    expect(connecting.stdout).toContain('number of transactions actually processed: 40/40')
  })

  it.each([
    { fault: 'killed', kind: 'stateless', workload: '-S' },
    { fault: 'killed', kind: 'singleWriter', workload: '-N' },
    { fault: 'frozen', kind: 'stateless', workload: '-S' },
    { fault: 'frozen', kind: 'singleWriter', workload: '-N' },
  ])('once the primary is $fault under load, clients are soon served again ($kind)', async (given) => {
    const { fault, kind, workload } = given
    const port = await pair.startProxy({ kind })
    const load = await pair.load(port, workload)
    const start = performance.now()
    const ended = load.finished.then(() => performance.now() - start)
    if (fault === 'frozen') pair.left.freeze()
    else await pair.left.kill()
    const [query, bench] = await Promise.all([
      servedAgain(() => psql(port, WHO)),
      servedAgain(() => pgbench(port, '-S', '--transactions=1').finished),
    ])
    console.log(
      `PostgreSQL, ${kind}, four sessions, primary ${fault}: psql served again after ${tell(query)}, ` +
        `pgbench after ${tell(bench)}; the four were told after ${(await ended).toFixed(0)} ms`,
    )
    expect(Math.max(query.ms, bench.ms, await ended)).toBeLessThan(LONGEST_OUTAGE)
    expect(await psql(port, WHO)).toEqual(served('right'))
    // Whether their last statement was executed, nobody knows, and nobody has executed it again for them.
    const aborted = (await load.finished).stderr.match(/client \d aborted .* perhaps the backend died/g)
    expect(aborted).toHaveLength(4)
  })
})
