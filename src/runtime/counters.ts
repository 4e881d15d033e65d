/** Plain fields that the data plane adds to; metrics read them when they are asked. A field costs 6 ns, a counter 280. */

/** Upper bounds in seconds, as Prometheus wants them; the last bucket is open. */
export const DURATION_BOUNDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
]

export type DurationCounts = Readonly<{ buckets: readonly number[]; sum: number; count: number }>
export type TallyCounts<Label> = readonly (readonly [label: Label, count: number])[]

export class DurationHistogram {
  readonly buckets: number[] = new Array(DURATION_BOUNDS.length + 1).fill(0)
  sum = 0
  count = 0

  observe(milliseconds: number): void {
    const seconds = milliseconds / 1000
    let index = 0
    while (index < DURATION_BOUNDS.length && seconds > (DURATION_BOUNDS[index] ?? 0)) index++
    this.buckets[index] = (this.buckets[index] ?? 0) + 1
    this.sum += seconds
    this.count++
  }

  /** What was counted since the last time, to be added elsewhere. */
  take(): DurationCounts {
    const { buckets, sum, count } = this
    const taken = { buckets: [...buckets], sum, count }
    buckets.fill(0)
    this.sum = 0
    this.count = 0
    return taken
  }

  add({ buckets, sum, count }: DurationCounts): void {
    buckets.forEach((value, index) => {
      this.buckets[index] = (this.buckets[index] ?? 0) + value
    })
    this.sum += sum
    this.count += count
  }
}

/** Counts by a label whose values come from code, so that their number is bounded. */
export class Tally<Label extends string> {
  readonly counts = new Map<Label, number>()

  add(label: Label, count = 1): void {
    this.counts.set(label, (this.counts.get(label) ?? 0) + count)
  }

  /** What was counted since the last time, to be added elsewhere. */
  take(): TallyCounts<Label> {
    const taken = [...this.counts]
    this.counts.clear()
    return taken
  }

  addAll(counts: TallyCounts<Label>): void {
    for (const [label, count] of counts) this.add(label, count)
  }

  get(label: Label): number {
    return this.counts.get(label) ?? 0
  }
}

export type Rescue = 'replay' | 'hold' | 'hedge' | 'resume'

export class PoolCounters {
  readonly durations = new DurationHistogram()
  readonly failovers = new Tally<string>()
  readonly observedFailovers = new Tally<string>()
  readonly rescued = new Tally<Rescue>()
  readonly lost = new Tally<string>()
  readonly replayAbandoned = new Tally<string>()
  switchovers = 0
  failbacks = 0
  suspicions = 0
  refuted = 0
  lastFailoverAt = 0
  readonly switchDurations = new DurationHistogram()
  /** From a new route to the moment when a worker follows it. */
  readonly routeDelays = new DurationHistogram()

  /** What traffic and the watch on it have counted since the last time, to be added elsewhere. */
  takeTraffic(): PoolTrafficCounts {
    const { durations, rescued, lost, replayAbandoned, suspicions, refuted } = this
    this.suspicions = 0
    this.refuted = 0
    return {
      durations: durations.take(),
      rescued: rescued.take(),
      lost: lost.take(),
      replayAbandoned: replayAbandoned.take(),
      suspicions,
      refuted,
    }
  }

  addTraffic(counts: PoolTrafficCounts): void {
    this.durations.add(counts.durations)
    this.rescued.addAll(counts.rescued)
    this.lost.addAll(counts.lost)
    this.replayAbandoned.addAll(counts.replayAbandoned)
    this.suspicions += counts.suspicions
    this.refuted += counts.refuted
  }
}

export type PoolTrafficCounts = Readonly<{
  durations: DurationCounts
  rescued: TallyCounts<Rescue>
  lost: TallyCounts<string>
  replayAbandoned: TallyCounts<string>
  suspicions: number
  refuted: number
}>

/** Without what follows from reported outcomes: answers, failures, sessions. */
export type UpstreamTrafficCounts = Readonly<{ connects: number; bytesIn: number; bytesOut: number }>

export class UpstreamCounters {
  /** Answers by hundreds: index 2 counts 2xx. */
  readonly answers: number[] = [0, 0, 0, 0, 0, 0]
  readonly failures = new Tally<string>()
  readonly probeDurations = new DurationHistogram()
  connects = 0
  /** Of TCP: sessions that it took, the bytes that it got from their clients, and those that it sent them. */
  sessions = 0
  bytesIn = 0
  bytesOut = 0

  /** What connections have counted since the last time, to be added elsewhere. */
  takeTraffic(): UpstreamTrafficCounts {
    const { connects, bytesIn, bytesOut } = this
    this.connects = 0
    this.bytesIn = 0
    this.bytesOut = 0
    return { connects, bytesIn, bytesOut }
  }

  addTraffic({ connects, bytesIn, bytesOut }: UpstreamTrafficCounts): void {
    this.connects += connects
    this.bytesIn += bytesIn
    this.bytesOut += bytesOut
  }
}
