/**
 * The connections to one upstream: idle ones are reused last in, first out, as long as they can be trusted. Where only so
 * many may be open, idle ones make way for new ones.
 */
import type { ConnectTo } from './connect-to.ts'
import type { ConnectionAllowance } from './connection-allowance.ts'
import { IdleHabit } from './idle-habit.ts'
import type { HeadLimits } from './limits.ts'
import { Roster } from './roster.ts'
import type { Sweeper } from './sweeper.ts'
import type { UpstreamChannels } from './upstream-channel.ts'
import { UpstreamConnection } from './upstream-connection.ts'

/** A request that cannot be repeated takes a socket idle for no longer than this, or a fresh one. */
const PROVEN_WITHIN = 1_000
/** One that has less left to live is not counted on, ms. */
const SOON_OVER = 1_500
/** When the server does not say how long it keeps idle connections: below the usual 5 s. */
const IDLE_FOR = 4_000

export type PoolEvents = Readonly<{
  onHeard(): void
  onConnected(): void
  /** The upstream wants a connection to end: for its age, or because it is about to go itself. */
  onGoaway?(): void
  /** Whoever found no connection may find one now. */
  onFree?(): void
}>

export type ChannelsSetup = Readonly<{
  sweeper: Sweeper
  limits: HeadLimits
  allowance: ConnectionAllowance
  events: PoolEvents
}>

/** Connections that were opened ahead together. */
type Wave = Readonly<{ connecting: Set<UpstreamConnection>; done(): void }>

export class ConnectionPool implements UpstreamChannels {
  private readonly all = new Roster<'pooledAt', UpstreamConnection>('pooledAt')
  private readonly idle: UpstreamConnection[] = []
  private readonly waves = new Set<Wave>()
  private readonly to: ConnectTo
  private readonly sweeper: Sweeper
  private readonly limits: HeadLimits
  private readonly allowance: ConnectionAllowance
  private readonly events: PoolEvents
  private readonly habit: IdleHabit

  constructor(to: ConnectTo, setup: ChannelsSetup) {
    this.to = to
    this.sweeper = setup.sweeper
    this.limits = setup.limits
    this.allowance = setup.allowance
    this.events = setup.events
    this.habit = new IdleHabit(setup.sweeper.clock.now())
  }

  get size(): number {
    return this.all.size
  }

  preconnect(count: number, done: () => void): void {
    const now = this.sweeper.clock.now()
    const lasting = ({ idleSince, idleFor }: UpstreamConnection) => now - idleSince < idleFor - SOON_OVER
    const missing = count - this.idle.filter((each) => lasting(each) && !this.misplaced(each)).length
    const wave: Wave = { connecting: new Set(), done }
    for (let opened = 0; opened < missing && this.allowance.take(); opened++) wave.connecting.add(this.connect())
    if (wave.connecting.size === 0) return done()
    this.waves.add(wave)
  }

  acquire(repeatable: boolean): UpstreamConnection | null {
    const now = this.sweeper.clock.now()
    for (let found = this.idle.pop(); found; found = this.idle.pop()) {
      const age = now - found.idleSince
      if (!found.idle || found.transport.closed || age > found.idleFor || this.misplaced(found)) {
        this.giveUp(found)
        continue
      }
      if (repeatable || age < Math.min(PROVEN_WITHIN, this.habit.trusted(now))) return found
      // The others below it are older still.
      this.idle.push(found)
      break
    }
    return this.open()
  }

  open(): UpstreamConnection | null {
    while (!this.allowance.take()) {
      const oldest = this.idle.shift()
      if (!oldest) return this.claimed()
      this.giveUp(oldest)
    }
    return this.connect()
  }

  /** Its place is free at once: the kernel tells the upstream of its end before it asks for another connection. */
  private giveUp(connection: UpstreamConnection): void {
    connection.transport.destroy()
    if (this.all.remove(connection)) this.allowance.giveBack()
  }

  /** One that is being opened ahead, for nobody yet. */
  private claimed(): UpstreamConnection | null {
    for (const { connecting } of this.waves) {
      for (const connection of connecting) {
        if (connection.transport.closed) continue
        this.arrived(connection)
        return connection
      }
    }
    return null
  }

  private connect(): UpstreamConnection {
    const { sweeper, limits } = this
    const connection = new UpstreamConnection(this.to, { owner: this.owner, sweeper, limits, idleFor: IDLE_FOR })
    this.all.add(connection)
    return connection
  }

  abandonWaiting(detail: string): void {
    this.all.each((connection) => connection.abandon(detail))
  }

  closeAll(): void {
    this.all.each((connection) => {
      if (!connection.tunnelling) connection.fail('aborted', 'the upstream was taken out of service')
    })
  }

  private readonly owner = {
    onHeard: () => this.events.onHeard(),
    onConnected: () => this.events.onConnected(),
    onIdle: (connection: UpstreamConnection) => {
      if (this.allowance.owed) this.giveUp(connection)
      // First: who has waited for it finds it there.
      else this.idle.push(connection)
      this.arrived(connection)
      this.events.onFree?.()
    },
    wanted: () => this.allowance.wantedElsewhere,
    onLeft: (age: number) => this.habit.closed(age, this.sweeper.clock.now()),
    onClosed: (connection: UpstreamConnection) => {
      if (this.all.remove(connection)) this.allowance.giveBack()
      const index = this.idle.lastIndexOf(connection)
      if (index >= 0) this.idle.splice(index, 1)
      this.arrived(connection)
    },
  }

  /** The upstream is not at that address any more. */
  private misplaced({ transport }: UpstreamConnection): boolean {
    return !this.to.addresses.includes(transport.address)
  }

  /** Open, closed, or somebody's: it is not waited for any more. */
  private arrived(connection: UpstreamConnection): void {
    for (const wave of this.waves) {
      if (!wave.connecting.delete(connection) || wave.connecting.size > 0) continue
      this.waves.delete(wave)
      // Not from within whoever has just taken it.
      queueMicrotask(wave.done)
    }
  }
}
