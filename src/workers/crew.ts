/**
 * The workers of one proxy, seen from the control thread: starts them, tells them all what was decided, adds up what they
 * count, and replaces one that has died. Its clients connect again, to the others meanwhile.
 */
import type { ProbeResult } from '../core/health.ts'
import type { PoolState } from '../core/pool.ts'
import type { Route } from '../core/route.ts'
import type { Cancel, Clock, Millis } from '../core/time.ts'
import type { UpstreamId } from '../core/upstream.ts'
import type { PoolRuntime } from '../runtime/pool-runtime.ts'
import type { Thread } from './member.ts'
import { Member } from './member.ts'
import type { Account, BoundListener, PoolNews, Ports, Signal, ToWorker } from './messages.ts'

export type CrewOptions = Readonly<{
  size: number
  runtimes: ReadonlyMap<string, PoolRuntime>
  clock: Clock
  /** `first`: nobody has carried traffic before it. */
  spawn(index: number, news: Readonly<Record<string, PoolNews>>, first: boolean): Thread
  /** A worker has ended, and has nothing any more of what all of them share. */
  onEnded(index: number): void
  onLines(text: string): void
  /** One sentence for people. */
  report(problem: string): void
}>

export type CannotStart = Readonly<{ message: string; hint: string }>
export type Bound =
  | Readonly<{ ok: true; listeners: readonly BoundListener[] }>
  | (CannotStart & Readonly<{ ok: false }>)

/** What nobody asks for is fetched this often, so that a worker that dies takes little of what it has counted with it. */
const ACCOUNTS_EVERY = 1_000
/** A worker that lets so many of these pass unanswered is stuck. */
const PATIENCE = 5
/** Whoever asks for figures does not wait longer for one that is busy, ms. */
const FRESH_WITHIN = 250
/** One death is an accident, and replaced at once; of more in a row the next replacement waits: 1 s, 2 s, at most 30 s. */
const SHORTEST_PAUSE = 1_000
const LONGEST_PAUSE = 30_000
/** After that long without a death it is an accident again, ms. */
const FORGIVEN_AFTER = 60_000

export class Crew {
  private readonly options: CrewOptions
  private readonly members = new Map<number, Member>()
  private readonly unanswered = new Map<Member, number>()
  /** By workers that have ended, by listener. */
  private readonly turnedAwayBefore = new Map<string, Record<string, number>>()
  private readonly starting = Promise.withResolvers<Bound>()
  private readonly built = new Set<Member>()
  private bound: readonly BoundListener[] = []
  private listening = 0
  private ports: Ports | null = null
  private stopping = false
  private replacements = 0
  /** Who is replaced a little later. */
  private readonly vacancies = new Map<number, Cancel>()
  private deaths = 0
  private lastDeath: Millis | null = null
  private cancel: Cancel = () => {}

  constructor(options: CrewOptions) {
    this.options = options
  }

  /** Resolves when all of them listen. */
  start(): Promise<Bound> {
    const { size, clock } = this.options
    for (let index = 0; index < size; index++) this.hire(index, true)
    this.cancel = clock.every(ACCOUNTS_EVERY, () => this.collect())
    return this.starting.promise
  }

  /** How many there are, and how many had to be replaced since the start. */
  get figures(): Readonly<{ running: number; replaced: number }> {
    return { running: this.members.size, replaced: this.replacements }
  }

  changed(state: PoolState, route: Route | null): void {
    for (const member of this.members.values()) member.changed(state, route)
  }

  probeStarted(pool: string, upstream: UpstreamId, at: Millis): void {
    this.tell({ type: 'probe-started', pool, upstream, at })
  }

  probeEnded(pool: string, upstream: UpstreamId, result: ProbeResult, sentAt: Millis): void {
    this.tell({ type: 'probe-ended', pool, upstream, result, sentAt })
  }

  /** Open connections of a listener, and how many were turned away at its door. */
  listener(name: string): Readonly<{ open: number; turnedAway: Readonly<Record<string, number>> }> {
    const turnedAway = { ...this.turnedAwayBefore.get(name) }
    let open = 0
    for (const { listeners } of this.members.values()) {
      const own = listeners.find((listener) => listener.name === name)
      open += own?.open ?? 0
      addTo(turnedAway, own?.turnedAway ?? {})
    }
    return { open, turnedAway }
  }

  /** Resolves when all figures are of now, or it has taken too long to wait for one of them. */
  refresh(): Promise<void> {
    return new Promise((resolve) => {
      let missing = this.members.size
      if (missing === 0) return resolve()
      const cancel = this.options.clock.after(FRESH_WITHIN, resolve)
      for (const member of this.members.values()) {
        member.ask(
          (id) => ({ type: 'account', id }),
          () => {
            if (--missing > 0) return
            cancel()
            resolve()
          },
        )
      }
    })
  }

  /** They accept no more; resolves when all they had under way is done. */
  async drain(): Promise<void> {
    this.hireNobody()
    const drained = [...this.members.values()].map(
      (member) => new Promise<void>((resolve) => member.ask((id) => ({ type: 'drain', id }), resolve)),
    )
    await Promise.all(drained)
  }

  /** Resolves when all threads have ended. */
  async kill(): Promise<void> {
    this.hireNobody()
    this.cancel()
    await Promise.all([...this.members.values()].map((member) => member.kill()))
  }

  private hireNobody(): void {
    this.stopping = true
    for (const cancel of this.vacancies.values()) cancel()
    this.vacancies.clear()
  }

  private tell(message: ToWorker): void {
    for (const member of this.members.values()) member.send(message)
  }

  private passOn(signal: Signal, from: Member): void {
    for (const member of this.members.values()) if (member !== from) member.send(signal)
  }

  /** What the others wait for because of it will not come from it any more. */
  private releaseOthers(ended: Member): void {
    for (const [pool, { state }] of this.options.runtimes) {
      this.passOn({ type: 'doubt-settled', pool }, ended)
      for (const { id } of state.upstreams) this.passOn({ type: 'place-freed', pool, upstream: id }, ended)
    }
  }

  private hire(index: number, first: boolean): void {
    const { runtimes, spawn, onLines } = this.options
    const news = Object.fromEntries([...runtimes].map(([name, { state, route }]) => [name, { state, route }]))
    const member = new Member(index, spawn(index, news, first), this.options, {
      onBuilt: (own) => this.onBuilt(own),
      onListening: (listeners) => this.onListening(listeners),
      onCannotStart: (why, own) => this.onCannotStart(why, own),
      onSignal: (signal, own) => this.passOn(signal, own),
      onAccount: (account, own) => this.add(account, own),
      onLines,
      onEnded: (error, own) => this.onEnded(error, own),
    })
    this.members.set(index, member)
  }

  /** The first one finds out the ports, the others follow. */
  private onBuilt(member: Member): void {
    // It would let clients in while the others see theirs out.
    if (this.stopping) return
    if (this.ports !== null) return member.listen(this.ports)
    this.built.add(member)
    if (this.built.size === this.options.size) this.members.get(0)?.listen({})
  }

  private onListening(listeners: readonly BoundListener[]): void {
    if (this.ports === null) {
      this.ports = Object.fromEntries(listeners.map(({ name, port }) => [name, port]))
      this.bound = listeners
      for (const member of this.built) if (member.index > 0) member.listen(this.ports)
    }
    if (++this.listening === this.options.size) this.starting.resolve({ ok: true, listeners: this.bound })
  }

  private onCannotStart({ message, hint }: CannotStart, member: Member): void {
    if (this.started) void member.kill(new Error(`${message}. ${hint}`))
    else this.giveUp({ message, hint })
  }

  private onEnded(error: Error | null, member: Member): void {
    const { onEnded } = this.options
    this.members.delete(member.index)
    this.unanswered.delete(member)
    onEnded(member.index)
    this.releaseOthers(member)
    for (const { name, turnedAway } of member.listeners) {
      const sum = this.turnedAwayBefore.get(name) ?? {}
      addTo(sum, turnedAway)
      this.turnedAwayBefore.set(name, sum)
    }
    if (this.stopping) return
    const why = error?.message ?? 'it has exited'
    if (this.started) this.replace(member.index, why)
    else this.giveUp({ message: `worker ${member.index + 1} has ended: ${why}`, hint: 'Please report this.' })
  }

  private replace(index: number, why: string): void {
    const { clock, report } = this.options
    const pause = this.pause()
    report(`worker ${index + 1} has ended (${why}); it is replaced${pause > 0 ? ` in ${pause / 1_000} s` : ''}`)
    const hire = (): void => {
      this.vacancies.delete(index)
      this.replacements++
      this.hire(index, false)
    }
    if (pause === 0) hire()
    else this.vacancies.set(index, clock.after(pause, hire))
  }

  private get started(): boolean {
    return this.listening >= this.options.size
  }

  /** They never came to carry traffic. */
  private giveUp(why: CannotStart): void {
    this.starting.resolve({ ok: false, ...why })
    void this.kill()
  }

  private pause(): number {
    const now = this.options.clock.now()
    const forgiven = this.lastDeath === null || now - this.lastDeath > FORGIVEN_AFTER
    this.deaths = forgiven ? 1 : this.deaths + 1
    this.lastDeath = now
    return this.deaths === 1 ? 0 : Math.min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** (this.deaths - 2))
  }

  private collect(): void {
    for (const member of this.members.values()) {
      const passed = (this.unanswered.get(member) ?? 0) + 1
      this.unanswered.set(member, passed)
      if (passed > PATIENCE) void member.kill(new Error(`it has not answered for ${PATIENCE} s`))
      else
        member.ask(
          (id) => ({ type: 'account', id }),
          () => {},
        )
    }
  }

  private add({ pools, listeners }: Account, member: Member): void {
    this.unanswered.set(member, 0)
    member.listeners = listeners
    for (const { pool, counts, upstreams } of pools) {
      const runtime = this.options.runtimes.get(pool)
      runtime?.counters.addTraffic(counts)
      for (const { upstream, counts: own } of upstreams) runtime?.ledger(upstream).counters.addTraffic(own)
    }
  }
}

function addTo(sum: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [why, count] of Object.entries(more)) sum[why] = (sum[why] ?? 0) + count
}
