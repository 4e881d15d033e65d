/**
 * A simulated primary and standby behind the real `PoolRuntime` and the real `Prober`, with simulated clients before them.
 * What runs is what decides in production; only time, the network and the applications are made up.
 */
import { ReplayBudget } from '../../src/core/replay-budget.ts'
import { newUpstream, type UpstreamId } from '../../src/core/upstream.ts'
import { Prober } from '../../src/probe/prober.ts'
import { PoolRuntime } from '../../src/runtime/pool-runtime.ts'
import { WatchTimer } from '../../src/runtime/watch-timer.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { at } from '../support/place.ts'
import { blue, green, statelessPolicy } from '../support/simulated-pool.ts'
import { type Load, nextArrival, pick } from './load.ts'
import { Origin } from './origin.ts'
import { type Random, seededRandom } from './randomness.ts'
import { Side } from './side.ts'
import { SimulatedRequest } from './simulated-request.ts'
import { type Rescue, Tally } from './tally.ts'

/** The defaults of the configuration. */
const SCHEDULE = { interval: 500, timeout: 250 }
const DETECTION = {
  hang: { hangAfter: 400, widen: true },
  evidence: { gatewayErrors: 5, successRate: 0.5 },
  gray: true,
}
const HOLD = { requests: 1_000, bytes: 16_777_216, time: 2_000 }

export class Pair {
  readonly clock = new FakeClock(0)
  readonly random: Random
  readonly tally: Tally
  readonly hedges = new ReplayBudget()
  readonly errorReplays = new ReplayBudget()
  readonly pool: PoolRuntime
  readonly blue: Side
  readonly green: Side
  private readonly load: Load
  private readonly prober: Prober

  constructor(load: Load, seed: number, tally = new Tally()) {
    const { clock } = this
    this.tally = tally
    const random = seededRandom(seed)
    this.random = random
    this.load = load
    this.pool = new PoolRuntime({
      name: 'shop',
      upstreams: [newUpstream(blue, 'primary', 0, clock.now()), newUpstream(green, 'standby', 1, clock.now())],
      policy: statelessPolicy,
      surveillance: DETECTION,
      hold: HOLD,
      restored: null,
      clock,
      watchTimer: new WatchTimer(clock),
      onNotice: (notice) => this.tally.noticed(notice),
      persist: () => {},
      runHook: () => Promise.reject(new Error('a stateless pool has no hooks')),
    })
    this.blue = this.sideOf(blue)
    this.green = this.sideOf(green)
    const targets = [blue, green].map((id) => ({ id, ...at(80, id), tls: null }))
    this.prober = new Prober(
      { targets, probe: ({ id }, limits, done) => this.side(id).probe(limits, done), ...SCHEDULE, clock, random },
      this.pool,
    )
  }

  start(): void {
    this.pool.start((id) => this.prober.probeNow(id))
    this.prober.start()
    this.awaitNext()
  }

  side(id: UpstreamId): Side {
    return id === blue ? this.blue : this.green
  }

  rescuing(how: Rescue): void {
    this.tally.rescue(how, this.clock.now())
  }

  /** Lets so much time pass, ms; less if `until` comes true. */
  async run(time: number, until: () => boolean = () => false): Promise<void> {
    const { clock, pool } = this
    const end = clock.now() + time
    let doubt = pool.doubt
    while (!until() && clock.step(end)) {
      if (pool.doubt === doubt) continue
      doubt = pool.doubt
      this.tally.doubted(doubt, clock.now())
      // What is held goes on in a microtask.
      await null
    }
  }

  stop(): void {
    this.prober.stop()
    this.pool.stop()
  }

  private sideOf(id: UpstreamId): Side {
    const ledger = this.pool.ledger(id)
    const side = new Side(ledger, new Origin(this.clock, this.random), this.clock, this.random)
    ledger.traffic.push({
      abandonWaiting: () => {
        for (const attempt of [...side.attempts]) attempt.abandon()
      },
      closeRequests: () => {
        for (const attempt of [...side.attempts]) attempt.onBroken('reset')
      },
      closeTunnels: () => {},
      connections: 0,
      maxConnections: null,
      preconnect: (_, done) => done(),
    })
    return side
  }

  private awaitNext(): void {
    const delay = nextArrival(this.load, this.clock.now(), this.random)
    if (delay === null) return
    this.clock.arrive(delay, () => {
      new SimulatedRequest(this, pick(this.load.mix, this.random)).arrive()
      this.awaitNext()
    })
  }
}
