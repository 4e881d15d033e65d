// The proxy as a process: what it remembers when it was killed, how it ends, and what it says when it cannot start.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sleep, until } from '../../bench/clock.ts'
import { ready } from '../../bench/contenders/contender.ts'
import { type OriginProcess, startOrigin } from '../../bench/origin/origin-process.ts'
import { freePorts } from '../../bench/process/free-port.ts'
import { makeTemporaryFolder, type TemporaryFolder } from '../../bench/process/temporary-folder.ts'
import { get, poolAt, UnderstudyProcess, untilPool } from './support/understudy-process.ts'

let folder: TemporaryFolder
let port: number
let adminPort: number
const running: { stop(): Promise<void> }[] = []

beforeEach(async () => {
  folder = makeTemporaryFolder()
  ;[port, adminPort] = (await freePorts(2)) as [number, number]
})
afterEach(async () => {
  for (const each of running.splice(0).reverse()) await each.stop()
  folder.remove()
})

const inFolder = (name: string): string => join(folder.path, name)

async function origin(name: string, at?: number): Promise<OriginProcess> {
  const started = await startOrigin({ name, workDir: folder.path, ...(at === undefined ? {} : { port: at }) })
  running.push(started)
  return started
}

function configure(blue: number, green: number, more = ''): string {
  const file = inFolder('understudy.yaml')
  writeFileSync(
    file,
    `admin: { listen: "127.0.0.1:${adminPort}" }
state: { dir: "${inFolder('state')}" }
listeners: { web: { listen: "127.0.0.1:${port}", pool: shop } }
pools:
  shop:
    probe: { path: /healthz }
    upstreams:
      - { name: blue, url: "http://127.0.0.1:${blue}" }
      - { name: green, url: "http://127.0.0.1:${green}" }
${more}`,
  )
  return file
}

async function start(file: string): Promise<UnderstudyProcess> {
  const proxy = await UnderstudyProcess.start(['run', '--config', file], folder.path)
  running.push({ stop: () => proxy.end() })
  return proxy
}

async function startReady(file: string): Promise<UnderstudyProcess> {
  const proxy = await start(file)
  await ready(proxy.child, adminPort, '/readyz')
  await untilPool(adminPort, 'both to be healthy', ({ upstreams }) =>
    upstreams.every(({ health }) => health.status === 'healthy'),
  )
  return proxy
}

/** Asks all the time, whatever becomes of it. */
function load(): { stop(): Promise<void> } {
  let going = true
  const ask = async (): Promise<void> => {
    while (going) {
      await get(port, '/items/1').catch(() => undefined)
      await sleep(2)
    }
  }
  const clients = Promise.all([ask(), ask(), ask(), ask()])
  const handle = {
    stop: async () => {
      going = false
      await clients
    },
  }
  running.push(handle)
  return handle
}

describe('killed under load', () => {
  test('right after a failover: the same active afterwards, although the primary is back, and no smaller epoch', async () => {
    const [blue, green] = [await origin('blue'), await origin('green')]
    const file = configure(blue.port, green.port)
    const first = await startReady(file)
    const clients = load()
    blue.signal('SIGKILL')
    const before = await untilPool(adminPort, 'the failover', ({ active }) => active === 'green')
    await first.kill()
    await origin('blue', blue.port)
    await start(file)
    const after = await untilPool(adminPort, 'the pool after the restart', () => true)
    expect(after.active).toBe('green')
    expect(after.epoch).toBeGreaterThanOrEqual(before.epoch)
    await clients.stop()
    expect(JSON.parse((await get(port, '/items/1', { 'X-Bench-Checksum': '00000000' })).text).origin).toBe('green')
  })

  test('in the middle of a single writer’s failover: it starts where it was, and fails over again', async () => {
    const [blue, green] = [await origin('blue'), await origin('green')]
    const hook = `sh, "-c", "echo $UNDERSTUDY_EPOCH >> ${inFolder('promoted')}; sleep 0.4"`
    const file = configure(blue.port, green.port, `    kind: singleWriter\n    hooks: { promote: [${hook}] }\n`)
    const first = await startReady(file)
    const clients = load()
    const { epoch } = await poolAt(adminPort)
    blue.signal('SIGKILL')
    const middle = await untilPool(adminPort, 'the switch to begin', ({ phase }) => phase === 'switching')
    expect(middle).toMatchObject({ active: 'blue', epoch })
    await first.kill()
    await start(file)
    const restarted = await untilPool(adminPort, 'the pool after the restart', () => true)
    expect(restarted.epoch).toBeGreaterThanOrEqual(epoch)
    const after = await untilPool(
      adminPort,
      'the failover',
      ({ active, phase }) => active === 'green' && phase === 'serving',
    )
    expect(after.epoch).toBeGreaterThan(epoch)
    await clients.stop()
    // The hook ran twice, with the same number: whoever promotes can tell that it is one and the same promotion.
    expect(readFileSync(inFolder('promoted'), 'utf8').trim().split('\n').length).toBeGreaterThanOrEqual(2)
  })
})

test('a damaged state file is set aside with a warning, and the start succeeds', async () => {
  const [blue, green] = [await origin('blue'), await origin('green')]
  mkdirSync(inFolder('state'))
  writeFileSync(inFolder('state/shop.json'), '{ "version": 1, "pool": "shop", "epoch": 41, "act')
  const proxy = await startReady(configure(blue.port, green.port))
  await proxy.says(/"level":"warn".*pool shop is not usable/)
  expect(readdirSync(inFolder('state'))).toContain('shop.json.damaged-1')
  const { active, epoch } = await poolAt(adminPort)
  expect(active).toBe('blue')
  expect(epoch).toBeGreaterThanOrEqual(41)
  expect(JSON.parse(readFileSync(inFolder('state/shop.json'), 'utf8'))).toMatchObject({ active: 'blue', epoch })
})

describe('the end', () => {
  const slow = (milliseconds: number) => get(port, `/reports/1?ms=${milliseconds}`, { 'X-Bench-Checksum': '00000000' })
  const inFlight = () =>
    untilPool(adminPort, 'a request in flight', ({ upstreams }) => upstreams.some((one) => one.inFlight > 0))
  const refuses = () =>
    until(
      'the listener to be closed',
      () =>
        get(port).then(
          () => false,
          () => true,
        ),
      5_000,
    )

  test('SIGTERM: what is in flight finishes, nothing new is accepted, exit code 0', async () => {
    const [blue, green] = [await origin('blue'), await origin('green')]
    const proxy = await startReady(configure(blue.port, green.port))
    const asked = slow(1_000)
    await inFlight()
    proxy.child.signal('SIGTERM')
    await refuses()
    expect(proxy.child.isRunning()).toBe(true)
    const { status, text } = await asked
    expect([status, JSON.parse(text).origin]).toEqual([200, 'blue'])
    expect(await proxy.exit(3_000)).toBe(0)
  })

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('a second signal (%s) ends it at once, with exit code %i', async (signal, code) => {
    const [blue, green] = [await origin('blue'), await origin('green')]
    const proxy = await startReady(configure(blue.port, green.port))
    const asked = slow(20_000).then(
      () => 'answered',
      () => 'cut',
    )
    await inFlight()
    proxy.child.signal('SIGTERM')
    await refuses()
    proxy.child.signal(signal)
    expect(await proxy.exit(3_000)).toBe(code)
    expect(await asked).toBe('cut')
  })
})

describe('a start that cannot be', () => {
  /** One clear line, no stack, and an exit code that scripts understand. */
  const refusal = async (args: readonly string[], says: RegExp): Promise<void> => {
    const { code, output } = await UnderstudyProcess.finished(args, folder.path)
    const said = output
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('{'))
    expect(said).toHaveLength(1)
    expect(output).toMatch(says)
    expect(output).not.toMatch(/^ {2,}at /m)
    expect(code).toBe(1)
  }

  test('a port in use: which one, and what to do', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve))
    try {
      const says = new RegExp(`error: listener web: 127.0.0.1:${port} is already in use; .*listeners.web.listen`)
      await refusal(['run', '--config', configure(1, 2)], says)
    } finally {
      await new Promise((closed) => taken.close(closed))
    }
  })

  test('a missing file: its name, and where to begin', async () => {
    await refusal(['run', '--config', 'nowhere.yaml'], /nowhere\.yaml.*no such file/)
    expect(existsSync(inFolder('.understudy'))).toBe(false)
  })

  test('an unknown key: where it is, and what was meant', async () => {
    const file = configure(1, 2, '    failbak: { mode: manual }\n')
    await refusal(['run', '--config', file], /understudy\.yaml:\d+:\d+ .*failbak.*did you mean `failback`/)
  })
})
