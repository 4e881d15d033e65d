// A newcomer's first minutes: start the demo, ask it, kill the primary that it names, go on asking, look, and end it.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../../bench/clock.ts'
import { httpRequest } from '../../bench/contenders/contender.ts'
import { startOrigin } from '../../bench/origin/origin-process.ts'
import { freePorts } from '../../bench/process/free-port.ts'
import { makeTemporaryFolder, type TemporaryFolder } from '../../bench/process/temporary-folder.ts'
import type { PoolView } from '../../src/admin/views.ts'
import { get, UnderstudyProcess } from './support/understudy-process.ts'

/** Of config/understudy.yaml, which the demo reads: proxy, admin API, blue, green. */
const WEB = 8080
const ADMIN = 9900
const DEMO_PORTS = [WEB, ADMIN, 3001, 3002]

let folder: TemporaryFolder
const running: { stop(): Promise<void> }[] = []
beforeEach(() => {
  folder = makeTemporaryFolder()
})
afterEach(async () => {
  for (const each of running.splice(0).reverse()) await each.stop()
  folder.remove()
})

async function start(args: readonly string[]): Promise<UnderstudyProcess> {
  const started = await UnderstudyProcess.start(args, folder.path)
  running.push({ stop: () => started.end() })
  return started
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, () => server.close(() => resolve(true)))
  })
}

async function takenPorts(): Promise<number[]> {
  const taken: number[] = []
  for (const port of DEMO_PORTS) if (!(await isFree(port))) taken.push(port)
  return taken
}

/** Every process that was started by the command is in its group, whoever its parent is by now. Only Linux tells. */
function membersOf(group: number): number[] {
  if (!existsSync('/proc')) return []
  const fields = (pid: string): string[] => {
    try {
      // The name, in brackets, may contain spaces; the fields behind it do not.
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    } catch {
      return []
    }
  }
  const alive = (pid: string): boolean => {
    const [state, , pgrp] = fields(pid)
    return Number(pgrp) === group && state !== 'Z'
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && alive(name))
    .map(Number)
}

type Shop = { readonly servedBy: string; readonly pid: number }
const shop = async (): Promise<Shop> => {
  const { status, text } = await get(WEB)
  expect(status).toBe(200)
  return JSON.parse(text) as Shop
}
const pools = async (): Promise<PoolView[]> => JSON.parse((await httpRequest(ADMIN, 'GET', '/upstreams')).text).pools

describe('npm start', () => {
  test('shows a failover to somebody who does what it says, and leaves nothing behind', async ({ skip }) => {
    const taken = await takenPorts()
    if (taken.length > 0) skip(`the demo’s ports are in use: ${taken.join(', ')}`)
    const demo = await start(['demo'])
    await demo.says('Ctrl-C')
    const [, killed] = /^ +kill +kill -9 (\d+) /m.exec(demo.output) ?? []
    const pid = Number(killed)
    expect(demo.output).toMatch(new RegExp(`blue \\(pid ${pid}\\) is active, green \\(pid \\d+\\) stands by`))
    expect(demo.output).toMatch(/^ +ask +curl 127\.0\.0\.1:8080 /m)
    expect(demo.output).toMatch(/^ +look +curl 127\.0\.0\.1:9900\/upstreams$/m)
    expect(await shop()).toMatchObject({ servedBy: 'blue', pid })
    const page = await get(WEB, '/', { Accept: 'text/html' })
    expect(page.text).toMatch(/Served by <b id="name">blue/)

    process.kill(pid, 'SIGKILL')
    for (let count = 0; count < 50; count++) expect((await shop()).servedBy).toBe('green')
    const order = await httpRequest(WEB, 'POST', '/orders', { item: 'tea' })
    expect([order.status, JSON.parse(order.text).servedBy]).toEqual([201, 'green'])

    const [pool] = await pools()
    expect(pool?.summary).toMatch(/^green \(standby\) is active; .*Failover from blue .* ago: blue is /)
    expect(pool?.upstreams.find(({ name }) => name === 'blue')?.why).toMatch(/^[A-Za-z].*\.$/)
    await demo.says(new RegExp(`demo: blue \\(pid ${pid}\\) has ended`))
    await demo.says(/failover +failover from blue to green/)

    await demo.says(/demo: blue is back, pid \d+/)
    expect(membersOf(demo.child.pid).length).toBe(process.platform === 'linux' ? 3 : 0)
    // As a terminal does it: to everyone in the foreground.
    process.kill(-demo.child.pid, 'SIGINT')
    expect(await demo.exit()).toBe(0)
    await until('all processes of the demo to be gone', () => membersOf(demo.child.pid).length === 0, 5_000)
    expect(await takenPorts()).toEqual([])
  })

  test('the demo killed without a warning takes its shops with it', async ({ skip }) => {
    const taken = await takenPorts()
    if (taken.length > 0) skip(`the demo’s ports are in use: ${taken.join(', ')}`)
    const demo = await start(['demo'])
    await demo.says('Ctrl-C')
    await demo.kill()
    await until('all processes of the demo to be gone', () => membersOf(demo.child.pid).length === 0, 5_000)
  })

  test('a port in use: one line that says which, and no shop left behind', async ({ skip }) => {
    const taken = await takenPorts()
    if (taken.length > 0) skip(`the demo’s ports are in use: ${taken.join(', ')}`)
    const occupant = createServer()
    await new Promise<void>((resolve) => occupant.listen(WEB, resolve))
    running.push({ stop: () => new Promise<void>((closed) => occupant.close(() => closed())) })
    const demo = await start(['demo'])
    expect(await demo.exit()).toBe(1)
    expect(demo.output).toMatch(/^error: listener web: 0\.0\.0\.0:8080 is already in use; .+\n$/)
    await until('its shops to be gone', () => membersOf(demo.child.pid).length === 0, 5_000)
  })
})

describe('without a file', () => {
  test('--primary, --standby and --listen are enough for a pair that fails over', async () => {
    const primary = await startOrigin({ name: 'one', workDir: folder.path })
    const standby = await startOrigin({ name: 'two', workDir: folder.path })
    running.push(primary, standby)
    const [port, adminPort] = (await freePorts(2)) as [number, number]
    const url = (origin: { port: number }): string => `http://127.0.0.1:${origin.port}`
    const proxy = await start([
      ...['--primary', url(primary), '--standby', url(standby)],
      ...['--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${adminPort}`],
    ])
    await proxy.says('understudy is running')
    const servedBy = async (): Promise<string> => {
      const { status, text } = await get(port, '/items/1', { 'X-Bench-Checksum': '00000000' })
      expect(status).toBe(200)
      return JSON.parse(text).origin
    }
    const view = async (): Promise<PoolView> =>
      JSON.parse((await httpRequest(adminPort, 'GET', '/pools/default')).text) as PoolView
    await until(
      'both to be healthy',
      async () => (await view()).upstreams.every(({ health }) => health.status === 'healthy'),
      5_000,
    )
    expect(await servedBy()).toBe('one')
    primary.signal('SIGKILL')
    for (let count = 0; count < 20; count++) expect(await servedBy()).toBe('two')
    expect((await view()).summary).toMatch(/^standby \(standby\) is active; /)
    proxy.child.signal('SIGTERM')
    expect(await proxy.exit()).toBe(0)
  })

  test('a flag that is missing is named, with exit code 2', async () => {
    const { code, output } = await UnderstudyProcess.finished(['--primary', 'http://127.0.0.1:1'], folder.path)
    expect(code).toBe(2)
    expect(output).toMatch(/^error: missing: --standby URL, --listen ADDRESS; .+\n$/)
  })

  test('a flag that is wrong is named, not a path in a file that nobody wrote', async () => {
    const args = ['--primary', 'ftp://x', '--standby', 'http://127.0.0.1:1', '--listen', ':0']
    const { code, output } = await UnderstudyProcess.finished(args, folder.path)
    expect(code).toBe(1)
    expect(output).toMatch(/--primary/)
    expect(output).not.toMatch(/pools\.|^ {2,}at /m)
  })
})
