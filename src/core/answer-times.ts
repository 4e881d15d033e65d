/**
 * How long the answers of one application usually take, by route class: METHOD and first path segment. It tells what is
 * unusual: an upload that takes seconds every day is no sign of trouble, a cart that takes 200 ms for the first time is.
 */
import { Latencies } from './latencies.ts'
import type { Millis } from './time.ts'
import { ms } from './time.ts'

const MAX_CLASSES = 64
/** With fewer answers than this a class says nothing of its own; the whole pool speaks for it. */
const ENOUGH = 100
/** The kernel sends a lost SYN again after a second: no sooner than this is another upstream the better try, ms. */
const SHORTEST_CONNECT = 100
/** Before the pool has answered often enough: one in a hundred takes longer than this, ms. */
const PRIOR_P99 = 1_000
/** In powers of ten. One request alone is never more than this improbable. */
const MOST_SURPRISING = 2

export class RouteClass {
  readonly method: string
  readonly segment: string
  times: Latencies | null = null
  usedAt: Millis
  /** Of the assessment under way (`outstanding.ts`). */
  assessment = 0
  surprise = 0
  p99 = 0

  constructor(method: string, segment: string, now: Millis) {
    this.method = method
    this.segment = segment
    this.usedAt = now
  }

  /** It has answered often enough for its slowness to be news: judged by itself, not by what others take. */
  get familiar(): boolean {
    return this.times !== null && this.times.weight >= ENOUGH
  }
}

/** The class of what waits for nothing. */
export const NO_CLASS = new RouteClass('', '', ms(0))

export class AnswerTimes {
  /** The wait for a connection: not a route, but outstanding all the same. */
  readonly connecting: RouteClass
  private readonly all: Latencies
  private readonly byMethod = new Map<string, Map<string, RouteClass>>()
  private readonly classes = new Set<RouteClass>()

  constructor(now: Millis) {
    this.all = new Latencies(now)
    this.connecting = new RouteClass('', '', now)
  }

  classOf(method: string, target: string, now: Millis): RouteClass {
    const segment = firstSegment(target)
    const found = this.byMethod.get(method)?.get(segment) ?? this.newClass(method, segment, now)
    found.usedAt = now
    return found
  }

  record(routeClass: RouteClass, time: number, now: Millis): void {
    routeClass.times ??= new Latencies(now)
    routeClass.times.add(time, now)
    if (routeClass !== this.connecting) this.all.add(time, now)
  }

  /** How improbable such a wait is, in powers of ten: 1 for one in ten, 2 for one in a hundred and less. */
  surprise(routeClass: RouteClass, wait: number, now: Millis): number {
    const times = this.informed(routeClass)
    const powers = times === null ? (2 * wait) / PRIOR_P99 : -Math.log10(times.survival(wait, now))
    return Math.min(MOST_SURPRISING, powers)
  }

  /** What only one answer in a hundred exceeds, ms. */
  p99(routeClass: RouteClass, now: Millis): number {
    return this.informed(routeClass)?.exceededBy(0.01, now) ?? PRIOR_P99
  }

  /** How long a connect may take, ms: three times what nearly all take, within bounds. */
  connectWithin(longest: number, now: Millis): number {
    return Math.min(longest, Math.max(SHORTEST_CONNECT, 3 * this.p99(this.connecting, now)))
  }

  private informed(routeClass: RouteClass): Latencies | null {
    const { times } = routeClass
    if (times !== null && times.weight >= ENOUGH) return times
    return this.all.weight >= ENOUGH ? this.all : null
  }

  private newClass(method: string, segment: string, now: Millis): RouteClass {
    if (this.classes.size >= MAX_CLASSES) this.forgetOldest()
    const bySegment = this.byMethod.get(method) ?? new Map<string, RouteClass>()
    const routeClass = new RouteClass(method, segment, now)
    this.byMethod.set(method, bySegment.set(segment, routeClass))
    this.classes.add(routeClass)
    return routeClass
  }

  /** The class used least lately: clients can invent methods and paths without end. */
  private forgetOldest(): void {
    const oldest = [...this.classes].reduce((one, other) => (other.usedAt < one.usedAt ? other : one))
    this.classes.delete(oldest)
    const bySegment = this.byMethod.get(oldest.method)
    bySegment?.delete(oldest.segment)
    if (bySegment?.size === 0) this.byMethod.delete(oldest.method)
  }
}

/** `/items` of `/items/42?page=1`. */
export function firstSegment(target: string): string {
  for (let at = 1; at < target.length; at++) {
    const code = target.charCodeAt(at)
    if (code === SLASH || code === QUESTION_MARK) return target.slice(0, at)
  }
  return target
}

const SLASH = 0x2f
const QUESTION_MARK = 0x3f
