/** The only place that reads a clock or starts a timer. */
import { hrtime } from 'node:process'
import type { Cancel, Clock, Millis } from '../core/time.ts'
import { ms } from '../core/time.ts'

const MAX_TIMEOUT = 2_147_483_647
const { timeOrigin } = performance

/** They do not keep the process alive: listeners do. */
const timers = {
  after(delay: number, task: () => void): Cancel {
    const timer = setTimeout(task, Math.min(MAX_TIMEOUT, Math.max(0, Math.ceil(delay))))
    timer.unref()
    return () => clearTimeout(timer)
  },

  every(interval: number, task: () => void): Cancel {
    const timer = setInterval(task, interval)
    timer.unref()
    return () => clearInterval(timer)
  },

  afterPendingIo(task: () => void): void {
    // Two turns: the first ends the current timer phase, the second comes after a whole poll phase.
    setImmediate(() => setImmediate(task))
  },
}

/**
 * Wall-clock epoch at start plus a monotonic count: shown as a date it is right to within the clock's drift since then,
 * and it never goes backwards.
 */
export const systemClock: Clock = clockFrom(timeOrigin)

/** What the system's monotonic time and that of the system clock differ by, ms: the same in all threads of a process. */
export const clockOffset = (): number => systemClock.now() - monotonic()

/** The system clock of another thread: what the two say can be compared to the fraction of a millisecond. */
export const sharedClock = (offset: number): Clock => clockFrom(offset + monotonic() - performance.now())

const monotonic = (): number => Number(hrtime.bigint()) / 1e6

function clockFrom(origin: number): Clock {
  return { ...timers, now: (): Millis => ms(origin + performance.now()) }
}

/** An instant as people read it. */
export const isoTime = (at: Millis): string => new Date(at).toISOString()

/** For jitter only: never for anything that must not be guessed. */
export const systemRandom = (): number => Math.random()
