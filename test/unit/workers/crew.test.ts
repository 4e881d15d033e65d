// The crew with threads that only say what a test has them say.
import { EventEmitter } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Bound } from '../../../src/workers/crew.ts'
import { Crew } from '../../../src/workers/crew.ts'
import type { FromWorker, ToWorker } from '../../../src/workers/messages.ts'
import { newProgress } from '../../../src/workers/progress.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const TALLIES = { rescued: [], lost: [], replayAbandoned: [], suspicions: 0, refuted: 0 }
const COUNTS = { durations: { buckets: [], sum: 0, count: 0 }, ...TALLIES }

class FakeThread extends EventEmitter {
  readonly index: number
  readonly received: ToWorker[] = []
  answers = true
  ended = false

  constructor(index: number) {
    super()
    this.index = index
  }

  postMessage(message: ToWorker): void {
    this.received.push(message)
    if (message.type === 'account' && this.answers) this.say({ type: 'account', id: message.id, account: this.account })
    if (message.type === 'listen') this.say({ type: 'listening', listeners: [BOUND] })
  }

  say(message: FromWorker): void {
    this.emit('message', message)
  }

  async terminate(): Promise<number> {
    this.die(null)
    return 1
  }

  die(error: Error | null): void {
    if (this.ended) return
    this.ended = true
    if (error) this.emit('error', error)
    this.emit('exit', 1)
  }

  get ports(): unknown {
    return this.received.find(({ type }) => type === 'listen')
  }

  private get account() {
    const listeners = [{ name: 'web', open: 2, turnedAway: { connections: 1 } }]
    return { pools: [{ pool: 'none', counts: COUNTS, upstreams: [] }], listeners }
  }
}

const BOUND = { name: 'web', address: '0.0.0.0', port: 8080 }

let clock: FakeClock
let threads: FakeThread[]
let ended: number[]
let problems: string[]
let crew: Crew
let bound: Promise<Bound>

beforeEach(() => {
  clock = new FakeClock()
  threads = []
  ended = []
  problems = []
  crew = new Crew({
    size: 2,
    runtimes: new Map(),
    clock,
    spawn: (index) => {
      const thread = new FakeThread(index)
      threads.push(thread)
      return { worker: thread as unknown as Worker, progress: newProgress() }
    },
    onEnded: (index) => ended.push(index),
    onLines: () => {},
    report: (problem) => problems.push(problem),
  })
  bound = crew.start()
})

afterEach(async () => {
  await crew.kill()
  clock.assertIdle()
})

const build = () => {
  for (const thread of threads) thread.say({ type: 'built' })
}

describe('at the start', () => {
  it('the first one finds out the ports, and the others follow', async () => {
    build()
    expect(await bound).toEqual({ ok: true, listeners: [BOUND] })
    expect(threads.map(({ ports }) => ports)).toEqual([
      { type: 'listen', ports: {} },
      { type: 'listen', ports: { web: 8080 } },
    ])
  })

  it('an address that cannot be had is told with its fix', async () => {
    threads[0]?.say({ type: 'built' })
    threads[1]?.say({ type: 'cannot-start', message: 'listener web: in use', hint: 'Change it.' })
    expect(await bound).toEqual({ ok: false, message: 'listener web: in use', hint: 'Change it.' })
  })
})

describe('a worker that ends', () => {
  it('is replaced at once, on the ports that are known, and gives up its share', async () => {
    build()
    await bound
    threads[1]?.die(new Error('boom'))
    threads[2]?.say({ type: 'built' })
    expect(threads[2]).toMatchObject({ index: 1, ports: { type: 'listen', ports: { web: 8080 } } })
    expect(ended).toEqual([1])
    expect(problems).toEqual(['worker 2 has ended (boom); it is replaced'])
    expect(crew.figures).toEqual({ running: 2, replaced: 1 })
  })

  it('again and again is replaced after longer and longer pauses, until it has lived for a minute', async () => {
    build()
    await bound
    const pauses = [0, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
    for (const pause of pauses) {
      const count = threads.length
      threads.at(-1)?.die(null)
      if (pause > 0) {
        clock.advance(pause - 1)
        expect(threads).toHaveLength(count)
        clock.advance(1)
      }
      expect(threads).toHaveLength(count + 1)
    }
    clock.advance(60_001)
    threads.at(-1)?.die(null)
    expect(problems.at(-1)).toBe('worker 2 has ended (it has exited); it is replaced')
  })

  it('keeps what it has turned away in the sum, and no open connection', async () => {
    build()
    await bound
    await crew.refresh()
    expect(crew.listener('web')).toEqual({ open: 4, turnedAway: { connections: 2 } })
    threads[1]?.die(null)
    expect(crew.listener('web')).toEqual({ open: 2, turnedAway: { connections: 2 } })
  })
})

describe('while it drains', () => {
  it('nobody is hired any more, and who was not listening yet does not begin', async () => {
    build()
    await bound
    threads[1]?.die(null)
    const drained = crew.drain()
    threads[2]?.say({ type: 'built' })
    expect(threads[2]?.ports).toBeUndefined()
    threads[2]?.die(null)
    clock.advance(60_000)
    expect(threads).toHaveLength(3)
    await crew.kill()
    await drained
  })

  it('a replacement that was to come later does not come', async () => {
    build()
    await bound
    for (const index of [1, 2]) threads[index]?.die(null)
    const drained = crew.drain()
    clock.advance(60_000)
    expect(threads).toHaveLength(3)
    await crew.kill()
    await drained
  })
})

describe('a worker that is stuck', () => {
  it('is ended after five seconds, and replaced', async () => {
    build()
    await bound
    const [first] = threads
    if (first) first.answers = false
    clock.advance(5_000)
    expect(first?.ended).toBe(false)
    clock.advance(1_000)
    expect(first?.ended).toBe(true)
    expect(problems).toEqual(['worker 1 has ended (it has not answered for 5 s); it is replaced'])
  })

  it('keeps nobody waiting for figures', async () => {
    build()
    await bound
    if (threads[0]) threads[0].answers = false
    const fresh = crew.refresh()
    clock.advance(250)
    await fresh
  })
})
