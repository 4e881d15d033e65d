/** Two transports joined: bytes, half-closes and backpressure pass through; when one side breaks, so does the other. */
import type { Millis } from '../core/time.ts'
import { NOWHERE } from './roster.ts'
import type { Sweeper, Swept } from './sweeper.ts'
import type { Transport } from './transport.ts'

/** What one end of a tunnel hears. */
export interface TunnelEnd {
  onTunnelBytes(bytes: Buffer, length: number): void
  onTunnelEnd(): void
  onTunnelWritable(): void
  onTunnelClosed(): void
}

/** Follows what the right end says, and knows whether a last word can be put in behind it. */
export interface Farewell {
  read(bytes: Buffer, from: number, to: number): void
  farewell(): Buffer | null
}

/** For the left end to read the last word and to close. Closed at once, unread bytes of its own would take the word back. */
const LINGER = 1_000

/** Reads of this size are worth a buffer of their own. What only ever says little shares one: tunnels are many, and idle. */
const BULK = 16_384

export class Splice implements Swept {
  sweptAt = NOWHERE
  readonly left: TunnelEnd
  readonly right: TunnelEnd
  /** Closed because nothing had passed for too long. */
  idled = false
  private readonly transports: readonly [Transport, Transport]
  private ended = 0
  private active = true
  private quietSince: Millis
  private open = true
  private readonly idleFor: number
  private readonly sweeper: Sweeper
  private readonly onEnd: () => void
  private readonly words: Farewell | null
  private partedAt: Millis | null = null

  constructor(
    left: Transport,
    right: Transport,
    setup: Readonly<{ idleFor: number; sweeper: Sweeper; onEnd: () => void; words?: Farewell }>,
  ) {
    this.transports = [left, right]
    this.idleFor = setup.idleFor
    this.sweeper = setup.sweeper
    this.onEnd = setup.onEnd
    this.words = setup.words ?? null
    this.quietSince = this.sweeper.clock.now()
    this.sweeper.add(this)
    this.left = this.side(left, right, null)
    this.right = this.side(right, left, this.words)
  }

  /** Closes it once nothing has passed for `idleFor` ms. */
  sweep(now: Millis): void {
    if (this.partedAt !== null && now - this.partedAt > LINGER) return this.close()
    if (this.active) this.quietSince = now
    this.active = false
    if (now - this.quietSince <= this.idleFor) return
    this.idled = true
    this.close()
  }

  close(): void {
    for (const transport of this.transports) transport.destroy()
  }

  /** Ends it from here. The left end gets a last word, where one fits; the right one is cut off at once. */
  part(): void {
    if (this.partedAt !== null || !this.open) return
    const word = this.words?.farewell() ?? null
    if (word === null || this.ended > 0) return this.close()
    this.partedAt = this.sweeper.clock.now()
    const [left, right] = this.transports
    left.writeKept(word)
    left.end()
    // Paused for a right end that was slow, it would not tell that it is closed.
    left.resume()
    right.destroy()
  }

  private side(own: Transport, other: Transport, words: Farewell | null): TunnelEnd {
    return {
      onTunnelBytes: (bytes, length) => {
        if (this.partedAt !== null) return
        this.active = true
        words?.read(bytes, 0, length)
        if (length >= BULK) own.startStream()
        if (!other.writeFrom(own, bytes, 0, length)) own.pause()
      },
      onTunnelEnd: () => {
        if (this.partedAt !== null) return this.close()
        if (++this.ended === 1) return other.end()
        other.close()
        this.finish()
      },
      onTunnelWritable: () => other.resume(),
      onTunnelClosed: () => {
        if (this.partedAt !== null && own === this.transports[1]) return
        if (this.ended < 2) other.destroy()
        this.finish()
      },
    }
  }

  private finish(): void {
    if (!this.open) return
    this.open = false
    this.sweeper.remove(this)
    this.onEnd()
  }
}
