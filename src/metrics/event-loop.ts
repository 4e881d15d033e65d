/** How late the event loop runs: the first thing to look at when everything seems slow at once. */
import { monitorEventLoopDelay } from 'node:perf_hooks'

/** In ms: every so often the loop is asked to come by. Often enough to see a stall, seldom enough to cost nothing. */
const RESOLUTION = 20

export type LagStat = 'mean' | 'p99' | 'max'
export type Lag = Readonly<Record<LagStat, number>>

export interface LagMeter {
  /** In seconds, over the time since the last read. */
  read(): Lag
  close(): void
}

export function measureLag(): LagMeter {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION })
  histogram.enable()
  // What is recorded is the time between two visits, which includes the wait that was asked for.
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION) / 1_000 || 0
  return {
    read: () => {
      const lag = { mean: late(histogram.mean), p99: late(histogram.percentile(99)), max: late(histogram.max) }
      histogram.reset()
      return lag
    },
    close: () => {
      histogram.disable()
    },
  }
}
