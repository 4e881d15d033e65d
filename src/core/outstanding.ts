/**
 * What one upstream owes: the attempts that wait for their first byte, oldest first, and how improbable that they are
 * all still waiting is (Φ). The list runs through the attempts themselves, so that a request costs no allocation.
 */
import type { AnswerTimes, RouteClass } from './answer-times.ts'
import { NO_CLASS } from './answer-times.ts'
import type { Millis } from './time.ts'

/** One wait. Its fields belong to the list it is in. */
export interface Awaited {
  awaitedSince: Millis
  /** `NO_CLASS`: it is in no list. */
  awaitedClass: RouteClass
  earlier: Awaited | null
  later: Awaited | null
  /** It has waited longer than its class nearly ever does, and the upstream is in doubt. */
  onOverdue(): void
}

export type Pressure = Readonly<{
  /** Φ: powers of ten against all these waits being mere chance, at most 4 for each class. */
  phi: number
  /** Classes that are known to be faster and contribute all they can. */
  classes: number
  /** Attempts of familiar classes that have waited longer than their p99. */
  overdue: number
}>

/** Counted one by one; with more than this outstanding the oldest tell enough. */
const MOST_LOOKED_AT = 256
/** One slow endpoint must never look like a slow upstream. */
const MOST_PER_CLASS = 4
const CALM: Pressure = { phi: 0, classes: 0, overdue: 0 }

export class Outstanding {
  private oldest: Awaited | null = null
  private newest: Awaited | null = null
  private assessments = 0

  get oldestSince(): Millis | null {
    return this.oldest === null ? null : this.oldest.awaitedSince
  }

  add(wait: Awaited, routeClass: RouteClass, now: Millis): void {
    wait.awaitedSince = now
    wait.awaitedClass = routeClass
    wait.earlier = this.newest
    wait.later = null
    if (this.newest === null) this.oldest = wait
    else this.newest.later = wait
    this.newest = wait
  }

  /** The first byte is here, or none will come. Harmless for what is not in the list. */
  remove(wait: Awaited): void {
    if (wait.awaitedClass === NO_CLASS) return
    wait.awaitedClass = NO_CLASS
    if (wait.earlier === null) this.oldest = wait.later
    else wait.earlier.later = wait.later
    if (wait.later === null) this.newest = wait.earlier
    else wait.later.earlier = wait.earlier
    wait.earlier = null
    wait.later = null
  }

  assess(times: AnswerTimes, now: Millis): Pressure {
    if (this.oldest === null) return CALM
    const assessment = ++this.assessments
    let phi = 0
    let classes = 0
    let overdue = 0
    let left = MOST_LOOKED_AT
    for (let wait: Awaited | null = this.oldest; wait !== null && left > 0; wait = wait.later, left--) {
      const routeClass = wait.awaitedClass
      if (routeClass.assessment !== assessment) {
        routeClass.assessment = assessment
        routeClass.surprise = 0
        routeClass.p99 = times.p99(routeClass, now)
      }
      const waited = now - wait.awaitedSince
      if (routeClass.familiar && waited > routeClass.p99) overdue++
      const before = routeClass.surprise
      if (before >= MOST_PER_CLASS) continue
      const after = Math.min(MOST_PER_CLASS, before + times.surprise(routeClass, waited, now))
      routeClass.surprise = after
      phi += after - before
      if (after === MOST_PER_CLASS && routeClass.familiar) classes++
    }
    return { phi, classes, overdue }
  }

  /** Tells each attempt that has waited longer than its class's p99. */
  tellOverdue(times: AnswerTimes, now: Millis): void {
    let left = MOST_LOOKED_AT
    // One that is told may leave the list at once.
    let next = this.oldest
    for (let wait = next; wait !== null && left > 0; wait = next, left--) {
      next = wait.later
      const { awaitedClass, awaitedSince } = wait
      if (now - awaitedSince > times.p99(awaitedClass, now)) wait.onOverdue()
    }
  }
}
