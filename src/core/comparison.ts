/**
 * A trial before a failback: which requests go to the upstream on trial, and whether it does worse with them than the
 * active does with the others in the same time. Mutable, cheap, one object a trial.
 */

/** Steps of the golden ratio fill the unit interval evenly, however many there have been, and never in a period. */
const GOLDEN = (Math.sqrt(5) - 1) / 2

/** Fewer answers are judged as if all that is missing were good: one bad answer out of one says nothing. */
const LEAST_ANSWERS = 20
/** More bad answers than the active by this share of all are no accident of a cold cache. */
const WORSE_BY = 0.05
/** Standard deviations that chance is allowed. Looked at after every answer, so not too few. */
const CHANCE = 2
/** So that at least five answers are slower than the 90th percentile that is judged. */
const LEAST_TIMES = 50
/** A cold upstream is slower, and that is no reason to leave it cold. What people notice, and what load would make worse, is. */
const SLOWER_TIMES = 3
const SLOWER_BY = 25

export type Side = 'trial' | 'active'

export class Comparison {
  private readonly tallies: Readonly<Record<Side, Tally>> = { trial: new Tally(), active: new Tally() }
  private position = 0

  /** Whether the next request goes to the upstream on trial: of any number of them, `share` to within two or three. */
  picks(share: number): boolean {
    // With a plain counter every fourth request would go there, and the same path each time where clients ask in turn.
    this.position = (this.position + GOLDEN) % 1
    return this.position < share
  }

  failed(side: Side): void {
    this.tallies[side].answers++
    this.tallies[side].bad++
  }

  /** `took`: null where it was not this upstream alone that took the time. */
  answered(side: Side, took: number | null): void {
    this.tallies[side].answers++
    if (took !== null) this.tallies[side].times.add(took)
  }

  /** Why the upstream on trial is worse than the active; null as long as it is not. */
  worse(): string | null {
    return this.failsMore() ?? this.isSlower()
  }

  private failsMore(): string | null {
    const { trial, active } = this.tallies
    const expected = Math.min(1, active.bad / Math.max(1, active.answers) + WORSE_BY)
    const answers = Math.max(LEAST_ANSWERS, trial.answers)
    const limit = answers * expected + CHANCE * Math.sqrt(answers * expected * (1 - expected))
    if (trial.bad <= limit) return null
    return `${trial.bad} of its ${trial.answers} answers failed, ${active.bad} of ${active.answers} of the active's`
  }

  private isSlower(): string | null {
    const trial = this.tallies.trial.times
    const active = this.tallies.active.times
    if (trial.count < LEAST_TIMES || active.count < LEAST_TIMES) return null
    const [its, others] = [trial.percentile(0.9), active.percentile(0.9)]
    if (its <= others * SLOWER_TIMES + SLOWER_BY) return null
    return `nine of ten of its answers take up to ${Math.round(its)} ms, of the active's ${Math.round(others)} ms`
  }
}

class Tally {
  answers = 0
  bad = 0
  readonly times = new Times()
}

const FINEST = 0.25
const PER_OCTAVE = 4
const BUCKETS = 72

/** Lengths of time from a quarter of a millisecond to a minute, told apart by a fifth. */
class Times {
  count = 0
  private readonly buckets = new Uint32Array(BUCKETS)

  add(took: number): void {
    const index = Math.ceil(PER_OCTAVE * Math.log2(Math.max(took, FINEST) / FINEST))
    const bucket = Math.min(BUCKETS - 1, index)
    this.buckets[bucket] = Number(this.buckets[bucket]) + 1
    this.count++
  }

  /** The upper end of the bucket that it falls into. */
  percentile(share: number): number {
    let left = this.count * share
    const index = this.buckets.findIndex((count) => {
      left -= count
      return left <= 0
    })
    return FINEST * 2 ** (index / PER_OCTAVE)
  }
}
