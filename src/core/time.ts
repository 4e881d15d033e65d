/** Time as the core sees it: numbers that somebody else read from a clock. The core itself never asks what time it is. */

declare const unit: unique symbol

/** An instant (milliseconds since the Unix epoch, never going backwards within a process) or a length of time in ms. */
export type Millis = number & { readonly [unit]: 'ms' }

export const ms = (value: number): Millis => value as Millis

export type Cancel = () => void

/** The one way to time and timers. `runtime/clock` implements it on the real clock, the tests on a simulated one. */
export interface Clock {
  now(): Millis
  after(delay: number, task: () => void): Cancel
  every(interval: number, task: () => void): Cancel
  /** Runs once the I/O that is already waiting has been handled: the place to convict from, never a timer callback. */
  afterPendingIo(task: () => void): void
}
