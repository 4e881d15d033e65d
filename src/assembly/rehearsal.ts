/**
 * A failover before the first one. Its code would otherwise run for the first time when every millisecond counts, and be
 * compiled then: some 15 ms for a burst of failures. So it runs at the start, on a pair of its own within this process:
 * requests, a fault with requests in flight, requests again. Nothing of it reaches the real pools, the log or the state.
 */
import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import v8 from 'node:v8'
import { configFromFlags } from '../config/flags.ts'
import type { Config } from '../config/schema.ts'
import type { Logger } from '../logging.ts'
import { systemClock } from '../runtime/clock.ts'
import { buildListener } from './listener-parts.ts'
import { PoolSet } from './pool-set.ts'
import type { StageFault } from './stand-in.ts'
import { StandIn, WAITING_PATH } from './stand-in.ts'

type Setting = Readonly<{ version: string; logger: Logger }>
/** Sends so many bursts of requests, and resolves when all of them have ended, well or not. */
type Ask = (path: string, bursts: number) => Promise<void>

const FAULTS: readonly StageFault[] = ['cuts-off', 'refuses']
/** Enough for the compiler to take notice, few enough for a quarter of a second. */
const BURST = 16
const BURSTS = 4
/** One in so many requests is a POST. */
const POST_EVERY = 5
/** One broken path would be no broken upstream. */
const PATHS = 3
/** For one fault, ms. */
const WITHIN = 2_000

/** Never rejects: a first failover that is a little slower is no reason not to start. */
export async function rehearse({ version, logger }: Setting): Promise<void> {
  // What has not run for some garbage collections would be thrown away again, and a failover is rarer than that.
  v8.setFlagsFromString('--no-flush-bytecode')
  try {
    for (const fault of FAULTS) await perform(fault, version)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    logger.log.warn(`no failover could be rehearsed, so the first one may take some 15 ms longer: ${why}`)
  }
}

async function perform(fault: StageFault, version: string): Promise<void> {
  const [primary, standby] = [new StandIn({ willFail: true }), new StandIn({ willFail: false })]
  const dir = join(tmpdir(), `understudy-rehearsal-${randomUUID()}`)
  try {
    const config = configOf(await primary.start(), await standby.start(), dir)
    await onStage(config, version, async (ask) => {
      await ask('/', BURSTS)
      const inFlight = ask(WAITING_PATH, 1)
      await primary.occupied(BURST)
      primary.fail(fault)
      await Promise.all([inFlight, ask('/', BURSTS)])
    })
  } finally {
    primary.stop()
    standby.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

/** Pools with a listener in front of them, for as long as the play takes, but no longer than that. */
async function onStage(config: Config, version: string, play: (ask: Ask) => Promise<void>): Promise<void> {
  const pools = new PoolSet(config, { version, logger: SILENT })
  const kill: (() => void)[] = [() => pools.kill()]
  try {
    for (const [name, settings] of Object.entries(config.listeners)) {
      const listener = await buildListener(name, settings, pools)
      kill.push(() => listener.kill())
      const { port } = await listener.listen()
      pools.start(true)
      await atMost(WITHIN, play(asking(Number(port))))
      if ([...pools.runtimes.values()].some(({ state }) => state.epoch === 1)) throw new Error('nothing failed over')
    }
  } finally {
    for (const each of kill) each()
    await pools.flush()
  }
}

function configOf(primary: string, standby: string, dir: string): Config {
  const result = configFromFlags({ primary, standby: [standby], listen: '127.0.0.1:0' })
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('; '))
  const { state, log } = result.config
  return { ...result.config, state: { ...state, dir }, log: { ...log, access: 'off' } }
}

const asking =
  (port: number): Ask =>
  async (path, bursts) => {
    const ask = (i: number) => askInTurn(port, requestText(`${path}${i % PATHS}`, i % POST_EVERY === 0), bursts)
    await Promise.all(Array.from({ length: BURST }, (_, i) => ask(i)))
  }

const requestText = (path: string, posts: boolean): string =>
  posts
    ? `POST ${path} HTTP/1.1\r\nHost: rehearsal\r\nContent-Length: 8\r\n\r\nan order`
    : `GET ${path} HTTP/1.1\r\nHost: rehearsal\r\n\r\n`

/** The same request so many times on one connection; resolves when each was answered, or the connection has ended. */
function askInTurn(port: number, request: string, times: number): Promise<void> {
  return new Promise((resolve) => {
    let left = times
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const next = (): void => {
      if (left-- > 0) socket.write(request)
      else socket.destroy()
    }
    // Every answer is short enough for one read.
    socket.on('data', next)
    socket.once('connect', next)
    socket.once('error', () => {})
    socket.once('close', () => resolve())
  })
}

async function atMost(time: number, work: Promise<void>): Promise<void> {
  let cancel = () => {}
  const late = new Promise<never>((_, reject) => {
    cancel = systemClock.after(time, () => reject(new Error(`it was not over after ${time} ms`)))
  })
  await Promise.race([work, late]).finally(() => cancel())
}

const silent = (): void => {}
const SILENT: Logger = {
  log: { trace: silent, debug: silent, info: silent, warn: silent, error: silent, fatal: silent },
  access: silent,
  pass: silent,
  flush: silent,
  close: async () => {},
  writeLast: silent,
}
