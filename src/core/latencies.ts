/**
 * How long something usually takes, as a log-linear histogram that fades: eight steps an octave, so a figure is right to
 * within an eighth. Mutable and cheap to add to; what is read often is computed once a second.
 */
import type { Millis } from './time.ts'

/** The finest step, in ms, is one over this. */
const PER_MS = 4
const STEPS = 8
/** Up to 2^20 quarters of a millisecond: 262 s. */
const BUCKETS = 18 * STEPS
const LONGEST = 2 ** 20 - 1
const HALF_LIFE = 600_000
const FADE_EVERY = 60_000
const FADE = 0.5 ** (FADE_EVERY / HALF_LIFE)
const REFRESH = 1_000

/** Below 2 ms a bucket is a quarter of a millisecond wide; from there on each octave has eight. */
function bucketOf(time: number): number {
  const quarters = Math.min(LONGEST, Math.max(0, time * PER_MS)) | 0
  if (quarters < STEPS) return quarters
  const octave = 31 - Math.clz32(quarters)
  return (octave - 2) * STEPS + (quarters >> (octave - 3)) - STEPS
}

/** The upper edge of a bucket, ms. */
function edgeOf(bucket: number): number {
  if (bucket < STEPS) return (bucket + 1) / PER_MS
  const octave = Math.floor(bucket / STEPS) + 2
  return ((STEPS + (bucket % STEPS) + 1) * 2 ** (octave - 3)) / PER_MS
}

export class Latencies {
  private readonly weights = new Float64Array(BUCKETS)
  /** For each bucket the weight of it and of all longer ones: computed from `weights`, at most `REFRESH` old. */
  private readonly tails = new Float32Array(BUCKETS)
  private total = 0
  private fadedAt: Millis
  /** When `tails` was computed, and of how much. */
  private tailsAt: Millis
  private tailsOf = 0

  constructor(now: Millis) {
    this.fadedAt = now
    this.tailsAt = now
  }

  /** How many times are remembered; old ones count for less than one. */
  get weight(): number {
    return this.total
  }

  add(time: number, now: Millis): void {
    if (now - this.fadedAt >= FADE_EVERY) this.fade(now)
    const bucket = bucketOf(time)
    this.weights[bucket] = Number(this.weights[bucket]) + 1
    this.total++
  }

  /** The share that takes at least `time`, never 0: what has not been seen yet may still come. */
  survival(time: number, now: Millis): number {
    this.refresh(now)
    return (Number(this.tails[bucketOf(time)]) + 1) / (this.tailsOf + 1)
  }

  /** The time that only a share of `beyond` exceeds; null before anything is known. */
  exceededBy(beyond: number, now: Millis): number | null {
    if (this.total === 0) return null
    this.refresh(now)
    const limit = this.tailsOf * beyond
    let bucket = BUCKETS - 1
    while (bucket > 0 && Number(this.tails[bucket]) <= limit) bucket--
    return edgeOf(bucket)
  }

  private refresh(now: Millis): void {
    // The first ones change the picture at once, later ones hardly.
    if (now - this.tailsAt < REFRESH && this.total <= 2 * this.tailsOf) return
    this.tailsAt = now
    this.tailsOf = this.total
    let sum = 0
    for (let bucket = BUCKETS - 1; bucket >= 0; bucket--) {
      sum += Number(this.weights[bucket])
      this.tails[bucket] = sum
    }
  }

  private fade(now: Millis): void {
    const factor = FADE ** Math.floor((now - this.fadedAt) / FADE_EVERY)
    this.fadedAt = now
    this.total = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const weight = Number(this.weights[bucket]) * factor
      this.weights[bucket] = weight
      this.total += weight
    }
  }
}
