/**
 * Opens one connection to an upstream, by a race (RFC 8305): when an attempt has failed, or not come through for a moment,
 * the next one starts beside it, to the next address, or to the same when there is no other. The first to be connected
 * wins, and the others are closed.
 *
 *    0 ms  SYN ───────► lost, or nobody is there
 *   50 ms  SYN ───────► answered: this is the connection
 *
 * The kernel alone would send a lost SYN again after a second. What follows on a connection, TLS or a header, follows on the
 * winner only. When to give up is for the owner to decide.
 */
import type net from 'node:net'
import type { Cancel, Clock } from '../core/time.ts'
import type { Place } from './connect-to.ts'
import { failureKindOf } from './socket-failure.ts'

/** For `connect` of `node:net` and `node:tls`. */
export type Where = Readonly<{ host: string; port: number; noDelay: true } | { path: string }>

/** One of the last two is called, once, and never from within a call of the owner's. */
export interface DialOwner {
  /** Makes one attempt: a socket that has begun to connect. */
  openSocket(where: Where): net.Socket
  /** The socket is the owner's from now on, errors included. */
  onDialled(socket: net.Socket, address: string): void
  /** Null: it was called off. */
  onUndialled(error: NodeJS.ErrnoException | null): void
}

type Attempt = Readonly<{ socket: net.Socket; address: string }>

/** Of attempts that run at the same time. */
const MOST_AT_ONCE = 6

export class Dial {
  /** It has ended, one way or the other. */
  over = false
  private readonly to: Place
  private readonly owner: DialOwner
  private readonly clock: Clock
  /** In which to try them; as they were when it began. */
  private addresses: readonly string[] = []
  private tried = 0
  /** An address was tried a second time: once is enough. */
  private repeated: boolean
  private readonly attempts: Attempt[] = []
  private readonly errors: NodeJS.ErrnoException[] = []
  /** Until the addresses are known, or until the next attempt. */
  private wait: Cancel | null = null

  constructor(to: Place, owner: DialOwner, clock: Clock) {
    this.to = to
    this.owner = owner
    this.clock = clock
    // Nothing is lost on the way to a unix socket.
    this.repeated = to.socketPath !== null
    if (to.addresses.order.length > 0) this.begin()
    else this.wait = to.addresses.whenKnown((problem) => (problem ? this.fail(problem) : this.begin()))
  }

  cancel(): void {
    if (this.over) return
    this.end()
    for (const { socket } of this.attempts) socket.destroy()
    queueMicrotask(() => this.owner.onUndialled(null))
  }

  private begin(): void {
    this.addresses = this.to.addresses.order
    this.tryNext()
  }

  /** False: there is nothing left to try. */
  private tryNext(): boolean {
    this.wait?.()
    this.wait = null
    const address = this.nextAddress()
    if (address === null) return false
    this.attempt(address)
    const more = !this.repeated || this.tried < this.addresses.length
    if (more && this.attempts.length < MOST_AT_ONCE) this.tryNextSoon()
    return true
  }

  private nextAddress(): string | null {
    const address = this.addresses[this.tried]
    if (address !== undefined) {
      this.tried++
      return address
    }
    const [unanswered] = this.attempts
    if (this.repeated || !unanswered) return null
    this.repeated = true
    return unanswered.address
  }

  private tryNextSoon(): void {
    const { clock, to } = this
    // Timers run before I/O: after a standstill of our own the answer may lie there, unread.
    const wait = clock.after(to.addresses.patience, () =>
      clock.afterPendingIo(() => {
        if (this.wait === wait) this.tryNext()
      }),
    )
    this.wait = wait
  }

  private attempt(address: string): void {
    const { port, socketPath } = this.to
    const where = socketPath === null ? ({ host: address, port, noDelay: true } as const) : { path: socketPath }
    const since = this.clock.now()
    const socket = this.owner.openSocket(where)
    const attempt = { socket, address }
    this.attempts.push(attempt)
    // Stays with the losers: an error that nobody listens for would end the process.
    const onError = (error: Error): void => this.lost(attempt, error)
    socket.on('error', onError)
    socket.once('connect', () => {
      if (this.over) return
      socket.off('error', onError)
      this.won(attempt, this.clock.now() - since)
    })
  }

  private won({ socket, address }: Attempt, took: number): void {
    this.end()
    for (const other of this.attempts) if (other.socket !== socket) other.socket.destroy()
    this.to.addresses.connected(address, took)
    this.owner.onDialled(socket, address)
  }

  private lost(attempt: Attempt, error: NodeJS.ErrnoException): void {
    if (this.over) return
    this.attempts.splice(this.attempts.indexOf(attempt), 1)
    this.errors.push(error)
    if (!this.tryNext() && this.attempts.length === 0) this.fail(mostTelling(this.errors) ?? error)
  }

  private fail(error: NodeJS.ErrnoException): void {
    this.end()
    this.owner.onUndialled(error)
  }

  private end(): void {
    this.over = true
    this.wait?.()
    this.wait = null
  }
}

/** What we ourselves ran out of is nobody's fault, and must show. That there is no way to one family says least. */
function mostTelling(errors: readonly NodeJS.ErrnoException[]): NodeJS.ErrnoException | undefined {
  const ours = errors.find((error) => failureKindOf(error) === 'aborted')
  return ours ?? errors.find((error) => failureKindOf(error) !== 'unreachable')
}
