/**
 * Keeps the addresses of one name fresh, in the background: no connection waits for a look-up but the first. A resolver
 * that fails changes nothing, because nothing has changed: the last addresses stay in use.
 */
import type { Cancel, Clock } from '../core/time.ts'
import { KnownAddresses } from './known-addresses.ts'
import type { Answer, Lookup } from './lookup.ts'
import { unresolvedName } from './socket-failure.ts'

/** Where it says what an operator should know. */
export type ResolverLog = Readonly<{ info(text: string): void; warn(text: string): void }>

/** After a look-up that failed, ms. */
const AGAIN_AFTER = 1_000

export class Resolver {
  readonly addresses = new KnownAddresses()
  private readonly host: string
  private readonly lookup: Lookup
  private readonly clock: Clock
  private readonly log: ResolverLog
  private state: 'new' | 'working' | 'failing' | 'stopped' = 'new'
  private cancel: Cancel = () => {}

  constructor(host: string, setup: Readonly<{ lookup: Lookup; clock: Clock; log: ResolverLog }>) {
    this.host = host
    this.lookup = setup.lookup
    this.clock = setup.clock
    this.log = setup.log
  }

  /** The next look-up begins when the one before has ended: one that hangs does not get company. */
  start(): void {
    this.lookup(this.host).then(
      (answer) => this.answered(answer),
      (error: Error) => this.failed(error),
    )
  }

  stop(): void {
    this.state = 'stopped'
    this.cancel()
  }

  private answered({ addresses, freshFor }: Answer): void {
    if (this.state === 'stopped') return
    if (addresses.length === 0) return this.failed(new Error('it has no address'))
    const { host, log } = this
    const before = list(this.addresses.order)
    if (this.state === 'failing') log.info(`${host} can be resolved again`)
    if (this.addresses.learn(addresses)) {
      const known = list(this.addresses.order)
      log.info(before === '' ? `${host} is at ${known}` : `${host} is now at ${known}; it was at ${before}`)
    }
    this.state = 'working'
    this.startIn(freshFor)
  }

  private failed(error: Error): void {
    if (this.state === 'stopped') return
    const problem = unresolvedName(this.host, error)
    const kept = list(this.addresses.order)
    const meanwhile = kept === '' ? 'nobody can connect to it' : `still taken to be at ${kept}`
    if (this.state !== 'failing') this.log.warn(`${problem.message}; ${meanwhile}`)
    this.state = 'failing'
    this.addresses.unresolved(problem)
    this.startIn(AGAIN_AFTER)
  }

  private startIn(delay: number): void {
    this.cancel = this.clock.after(delay, () => this.start())
  }
}

const list = (addresses: readonly string[]): string => addresses.join(', ')
