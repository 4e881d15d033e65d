// Any sequence of requests, answers, closes and departures: never more connections than may be, nobody overtakes, and
// nobody waits while a connection could be had.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { UpstreamEndpoint } from '../../../src/http/upstream-endpoint.ts'
import type { Waiter } from '../../../src/runtime/hold.ts'
import { LocalAllowance } from '../../../src/wire/connection-allowance.ts'
import { Sweeper } from '../../../src/wire/sweeper.ts'
import type { ResponseHandler, UpstreamChannel } from '../../../src/wire/upstream-channel.ts'
import { CountingOrigin } from '../../support/counting-origin.ts'
import { at } from '../../support/place.ts'
import { Signal, turns } from '../../support/signal.ts'
import { blue, SimulatedPool } from '../../support/simulated-pool.ts'

type State = 'waiting' | 'sent' | 'over'

/** One request, as far as connections are concerned. */
class Asker implements Waiter, ResponseHandler {
  readonly heldBytes = 0
  readonly method = 'GET'
  readonly bareBody = false
  readonly nr: number
  state: State = 'waiting'
  private readonly stage: Stage
  private readonly repeatable: boolean
  private channel: UpstreamChannel | null = null

  constructor(stage: Stage, nr: number, repeatable: boolean) {
    this.stage = stage
    this.nr = nr
    this.repeatable = repeatable
  }

  ask(): void {
    const { hold } = this.stage
    if (this.tries()) return
    hold.enter(this)
    hold.lineUp(this, blue)
  }

  offer(): boolean {
    if (this.tries()) return true
    this.stage.hold.lineUp(this, blue)
    return false
  }

  expire(): void {
    this.state = 'over'
  }

  leave(): void {
    this.stage.hold.leave(this)
    this.channel?.discard()
    this.end()
  }

  private tries(): boolean {
    const channel = this.stage.endpoint.channel(this, this.repeatable, false)
    if (channel === null) return false
    this.channel = channel
    this.state = 'sent'
    this.stage.sent.push(this.nr)
    channel.use(this)
    return true
  }

  onConnected(): void {
    this.channel?.writeText(`GET /${this.nr} HTTP/1.1\r\nHost: x\r\n\r\n`)
    this.channel?.requestFinished()
  }

  onFinished(): void {
    this.end()
  }

  onFailed(): void {
    this.end()
  }

  private end(): void {
    this.channel = null
    this.state = 'over'
    this.stage.signal.notify()
  }

  onHead(): void {}
  onBody(): void {}
  onInterim(): void {}
  onBatch(): void {}
  onWritable(): void {}
  onAbandoned(): void {}
  sweep(): void {}
}

class Stage {
  readonly simulated = new SimulatedPool()
  readonly sweeper = new Sweeper(this.simulated.clock)
  readonly signal = new Signal()
  readonly askers: Asker[] = []
  /** In which order they went on. */
  readonly sent: number[] = []
  readonly endpoint: UpstreamEndpoint
  readonly origin: CountingOrigin
  readonly limit: number

  constructor(origin: CountingOrigin, limit: number) {
    this.origin = origin
    this.limit = limit
    const { pool: runtime } = this.simulated
    const to = { ...at(origin.port), socketPath: null, tls: null }
    const upstream = { to, protocol: 'http/1.1', allowance: new LocalAllowance(limit) } as const
    this.endpoint = new UpstreamEndpoint(runtime.ledger(blue), upstream, {
      runtime,
      sweeper: this.sweeper,
      random: () => 0,
    })
  }

  get hold() {
    return this.simulated.pool.hold
  }

  in(state: State): Asker[] {
    return this.askers.filter((asker) => asker.state === state)
  }

  ask(repeatable: boolean): void {
    const asker = new Asker(this, this.askers.length, repeatable)
    this.askers.push(asker)
    asker.ask()
  }

  play([what, which]: Move): void {
    const pick = <T>(from: readonly T[]): T | undefined => from[which % Math.max(1, from.length)]
    switch (what) {
      case 'ask':
        return this.ask(which % 3 > 0)
      case 'answer':
        return pick(this.origin.requests.filter(({ answered }) => !answered))?.answer()
      case 'upstream closes':
        return void pick([...this.origin.sockets])?.destroy()
      case 'client leaves':
        return pick([...this.in('waiting'), ...this.in('sent')])?.leave()
      case 'time passes':
        return this.simulated.clock.advance((which % 5) * 300)
      case 'route':
        return this.hold.offer(this.simulated.pool.route)
      case 'preconnect':
        return this.endpoint.preconnect(which % 4, () => {})
    }
  }

  /** Whoever waits does so because every place has a request. */
  async settled(): Promise<void> {
    const busy = () => this.in('waiting').length === 0 || this.in('sent').length === this.limit
    const deadline = performance.now() + 2_000
    while (!busy()) {
      if (performance.now() > deadline) throw new Error(`${this.in('waiting').length} wait for nothing`)
      await turns()
    }
  }

  stop(): void {
    this.endpoint.closeRequests()
    this.sweeper.stop()
    this.simulated.stop()
  }
}

const MOVES = [
  'ask',
  'ask',
  'ask',
  'answer',
  'answer',
  'upstream closes',
  'client leaves',
  'time passes',
  'route',
  'preconnect',
] as const
type Move = [(typeof MOVES)[number], number]

const moves = fc.array(fc.tuple(fc.constantFrom(...MOVES), fc.nat(1_000)), { minLength: 10, maxLength: 60 })

test('any sequence keeps the limit and the order, and leaves nobody waiting in vain', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), moves, async (limit, played) => {
      const origin = await CountingOrigin.start()
      const stage = new Stage(origin, limit)
      try {
        for (const move of played) {
          stage.play(move)
          // Some come in one turn.
          await turns(move[1] % 4)
          if (move[1] % 4 > 1) await stage.settled()
        }
        await stage.settled()
        expect(origin.peak).toBeLessThanOrEqual(limit)
        expect(stage.sent).toEqual([...stage.sent].sort((a, b) => a - b))
      } finally {
        stage.stop()
        await origin.stop()
      }
    }),
    { seed: 20_260_101, numRuns: 60 },
  )
})
