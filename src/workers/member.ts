/** One worker as the control thread knows it: the thread, what was asked of it, and the traffic that it carries. */
import type { Worker } from 'node:worker_threads'
import type { PoolState } from '../core/pool.ts'
import type { Route } from '../core/route.ts'
import type { Clock } from '../core/time.ts'
import type { PoolRuntime } from '../runtime/pool-runtime.ts'
import type { Account, BoundListener, FromWorker, Ports, Signal, ToWorker } from './messages.ts'
import type { Progress } from './progress.ts'
import { awaitProgress } from './progress.ts'
import type { Wire } from './remote-traffic.ts'
import { RemoteTraffic } from './remote-traffic.ts'

export type Thread = Readonly<{ worker: Worker; progress: Progress }>

/** What it works for. */
export type MemberCrew = Readonly<{ runtimes: ReadonlyMap<string, PoolRuntime>; clock: Clock }>

export type MemberOwner = Readonly<{
  onBuilt(member: Member): void
  onListening(listeners: readonly BoundListener[], member: Member): void
  onCannotStart(why: Readonly<{ message: string; hint: string }>, member: Member): void
  /** For the others. */
  onSignal(signal: Signal, member: Member): void
  onAccount(account: Account, member: Member): void
  onLines(text: string): void
  /** Once. `error`: what it died of; null when it was ended. */
  onEnded(error: Error | null, member: Member): void
}>

/** A worker that takes longer to confirm is stuck, ms. Requests wait meanwhile, so it is not given more. */
const CONFIRM_WITHIN = 1_000

export class Member implements Wire {
  readonly index: number
  /** By name of the pool. */
  readonly traffic: ReadonlyMap<string, RemoteTraffic>
  listeners: Account['listeners'] = []
  private readonly thread: Thread
  private readonly runtimes: ReadonlyMap<string, PoolRuntime>
  private readonly owner: MemberOwner
  private readonly asked = new Map<number, () => void>()
  private nextId = 0
  private sent = 0
  private error: Error | null = null
  /** It may carry traffic. */
  private listens = false
  private ended = false

  constructor(index: number, thread: Thread, crew: MemberCrew, owner: MemberOwner) {
    const { runtimes, clock } = crew
    this.index = index
    this.thread = thread
    this.runtimes = runtimes
    this.owner = owner
    this.traffic = new Map([...runtimes].map(([name, runtime]) => [name, new RemoteTraffic(runtime, this, clock)]))
    const { worker } = thread
    worker.on('message', (message: FromWorker) => this.receive(message))
    worker.on('error', (error) => {
      this.error = error instanceof Error ? error : new Error(String(error))
    })
    worker.on('exit', () => this.end())
  }

  send(message: ToWorker): void {
    if (this.ended) return
    this.sent++
    this.thread.worker.postMessage(message)
  }

  ask(message: (id: number) => ToWorker, done: () => void): void {
    if (this.ended) return done()
    const id = this.nextId++
    this.asked.set(id, done)
    this.send(message(id))
  }

  listen(ports: Ports): void {
    this.listens = true
    this.send({ type: 'listen', ports })
  }

  confirm(): void {
    if (!this.listens || this.ended || awaitProgress(this.thread.progress, this.sent, CONFIRM_WITHIN)) return
    void this.kill(new Error(`it did not confirm within ${CONFIRM_WITHIN} ms`))
  }

  changed(state: PoolState, route: Route | null): void {
    this.traffic.get(state.pool)?.changed(route)
  }

  /** Ends the thread at once. Its end is told as any other. */
  async kill(why: Error | null = null): Promise<void> {
    this.error ??= why
    // It acts on nothing any more, so that nobody need wait for its word.
    this.listens = false
    await this.thread.worker.terminate()
  }

  private receive(message: FromWorker): void {
    const { owner } = this
    switch (message.type) {
      case 'report':
        return this.traffic.get(message.pool)?.reported(message)
      case 'probe-now':
        return this.runtimes.get(message.pool)?.requestProbe(message.upstream)
      case 'convicted':
        return this.runtimes.get(message.pool)?.convictedElsewhere(message.upstream, message.conviction, message.epoch)
      case 'trial-worse':
        return this.runtimes.get(message.pool)?.trialWorse(message.upstream, message.epoch, message.detail)
      case 'doubt-settled':
      case 'place-freed':
        return owner.onSignal(message, this)
      case 'account':
        owner.onAccount(message.account, this)
        return this.answered(message.id)
      case 'done':
        return this.answered(message.id)
      case 'built':
        return owner.onBuilt(this)
      case 'listening':
        return owner.onListening(message.listeners, this)
      case 'cannot-start':
        return owner.onCannotStart(message, this)
      case 'lines':
        return owner.onLines(message.text)
    }
  }

  private answered(id: number): void {
    const done = this.asked.get(id)
    this.asked.delete(id)
    done?.()
  }

  private end(): void {
    this.ended = true
    for (const traffic of this.traffic.values()) traffic.end()
    for (const id of [...this.asked.keys()]) this.answered(id)
    this.owner.onEnded(this.error, this)
  }
}
