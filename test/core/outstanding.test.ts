/** What an upstream owes: the list of waits, how improbable they are (Φ), and who is overdue. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RouteClass } from '../../src/core/answer-times.ts'
import { AnswerTimes } from '../../src/core/answer-times.ts'
import { Outstanding } from '../../src/core/outstanding.ts'
import { ms } from '../../src/core/time.ts'
import { Wait } from '../support/wait.ts'
import { START } from './support/build.ts'

class Scene {
  readonly times = new AnswerTimes(START)
  readonly outstanding = new Outstanding()

  /** A class that has answered so often, each time within 10 ms. */
  quick(target: string, answers = 1_000): RouteClass {
    const routeClass = this.times.classOf('GET', target, START)
    for (let answer = 0; answer < answers; answer++) this.times.record(routeClass, 10, START)
    return routeClass
  }

  wait(routeClass: RouteClass, since = 0): Wait {
    const wait = new Wait()
    this.outstanding.add(wait, routeClass, ms(START + since))
    return wait
  }

  at(after: number) {
    return this.outstanding.assess(this.times, ms(START + after))
  }
}

describe('the list of waits', () => {
  it('knows its oldest, in whatever order they end', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { maxLength: 40 }), (ends) => {
        const scene = new Scene()
        const routeClass = scene.quick('/', 1)
        const waits = Array.from({ length: 10 }, (_, index) => scene.wait(routeClass, index))
        const left = new Set(waits)
        for (const end of ends) {
          const wait = waits[end]
          if (wait) {
            scene.outstanding.remove(wait)
            left.delete(wait)
          }
          const [oldest] = left
          expect(scene.outstanding.oldestSince).toBe(oldest ? oldest.awaitedSince : null)
        }
      }),
    )
  })

  it('takes a wait again that has ended', () => {
    const scene = new Scene()
    const wait = scene.wait(scene.quick('/'), 0)
    scene.outstanding.remove(wait)
    scene.outstanding.add(wait, scene.quick('/'), ms(START + 50))
    expect(scene.outstanding.oldestSince).toBe(START + 50)
  })
})

describe('Φ', () => {
  it('is nothing while nothing waits, or while all is as usual', () => {
    const scene = new Scene()
    expect(scene.at(10_000).phi).toBe(0)
    scene.wait(scene.quick('/items'))
    expect(scene.at(9).phi).toBeCloseTo(0, 1)
  })

  it('grows by two for each request that waits as none of its kind ever did, up to four for each kind', () => {
    const scene = new Scene()
    const items = scene.quick('/items')
    scene.wait(items)
    expect(scene.at(100)).toEqual({ phi: 2, classes: 0, overdue: 1 })
    for (let more = 0; more < 50; more++) scene.wait(items)
    expect(scene.at(100)).toEqual({ phi: 4, classes: 1, overdue: 51 })
    const carts = scene.quick('/cart')
    for (let more = 0; more < 50; more++) scene.wait(carts)
    expect(scene.at(100)).toEqual({ phi: 8, classes: 2, overdue: 101 })
  })

  it('does not hold it against a kind of request that it always takes long', () => {
    const scene = new Scene()
    const report = scene.times.classOf('GET', '/report', START)
    for (let answer = 0; answer < 200; answer++) scene.times.record(report, 10_000, START)
    for (let more = 0; more < 10; more++) scene.wait(report)
    expect(scene.at(9_000)).toEqual({ phi: expect.closeTo(0, 1), classes: 0, overdue: 0 })
  })

  it('lets a kind that is hardly known be as slow as the whole pool is, and counts nobody of it as overdue', () => {
    const scene = new Scene()
    scene.quick('/items', 1_000)
    const fresh = scene.times.classOf('GET', '/export', START)
    for (let more = 0; more < 10; more++) scene.wait(fresh)
    expect(scene.at(100)).toEqual({ phi: 4, classes: 0, overdue: 0 })
  })

  it('says nothing of kinds that have answered too seldom to be judged by themselves', () => {
    const scene = new Scene()
    for (const target of ['/events', '/changes']) {
      const polls = scene.times.classOf('GET', target, START)
      for (let answer = 0; answer < 45; answer++) scene.times.record(polls, 20_000, START)
      for (let more = 0; more < 10; more++) scene.wait(polls)
    }
    expect(scene.at(5_000)).toEqual({ phi: 8, classes: 0, overdue: 0 })
  })

  it('believes, before anything is known, that one answer in a hundred takes longer than a second', () => {
    const scene = new Scene()
    scene.wait(scene.times.classOf('GET', '/', START))
    expect(scene.at(500).phi).toBeCloseTo(1)
    expect(scene.at(150).phi).toBeCloseTo(0.3)
  })

  it('is computed from the oldest 256, however many wait', () => {
    const scene = new Scene()
    const items = scene.quick('/items')
    for (let more = 0; more < 10_000; more++) scene.wait(items)
    expect(scene.at(100).overdue).toBe(256)
  })
})

describe('requests that are overdue', () => {
  it('are told, and only they', () => {
    const scene = new Scene()
    const items = scene.quick('/items')
    const late = scene.wait(items, 0)
    const early = scene.wait(items, 95)
    scene.outstanding.tellOverdue(scene.times, ms(START + 100))
    expect([late.overdue, early.overdue]).toEqual([1, 0])
  })

  it('may leave when they are told', () => {
    const scene = new Scene()
    const items = scene.quick('/items')
    const waits = Array.from({ length: 5 }, () => {
      const wait = scene.wait(items)
      wait.onOverdue = () => {
        wait.overdue++
        scene.outstanding.remove(wait)
      }
      return wait
    })
    scene.outstanding.tellOverdue(scene.times, ms(START + 100))
    expect(waits.map(({ overdue }) => overdue)).toEqual([1, 1, 1, 1, 1])
    expect(scene.outstanding.oldestSince).toBeNull()
  })
})

describe('what takes long', () => {
  it('is a second before anything is known, and what one in a hundred exceeds afterwards', () => {
    const scene = new Scene()
    const fresh = scene.times.classOf('GET', '/new', START)
    expect(scene.times.p99(fresh, START)).toBe(1_000)
    scene.quick('/items')
    expect(scene.times.p99(fresh, START)).toBeLessThan(12)
  })

  it('is not what it takes to connect', () => {
    const scene = new Scene()
    for (let connect = 0; connect < 200; connect++) scene.times.record(scene.times.connecting, 1, START)
    expect(scene.times.p99(scene.times.connecting, START)).toBeLessThan(2)
    expect(scene.times.p99(scene.times.classOf('GET', '/', START), START)).toBe(1_000)
  })
})

describe('a connect', () => {
  it('may take as long as configured until it is known what is usual', () => {
    const { times } = new Scene()
    expect(times.connectWithin(400, START)).toBe(400)
  })

  it('may take three times as long as 99 % of connects, from 100 ms up', () => {
    const { times } = new Scene()
    for (let connect = 0; connect < 200; connect++) times.record(times.connecting, 1, START)
    expect(times.connectWithin(400, START)).toBe(100)
    for (let connect = 0; connect < 200; connect++) times.record(times.connecting, 60, ms(START + 1_000))
    expect(times.connectWithin(400, ms(START + 2_000))).toBe(192)
    expect(times.connectWithin(150, ms(START + 2_000))).toBe(150)
  })
})

describe('route classes', () => {
  it('are METHOD and first path segment', () => {
    const times = new AnswerTimes(START)
    const item = times.classOf('GET', '/items/1?full=1', START)
    expect(times.classOf('GET', '/items?page=2', START)).toBe(item)
    expect(times.classOf('GET', '/items', START)).toBe(item)
    expect(times.classOf('POST', '/items/1', START)).not.toBe(item)
    expect(times.classOf('GET', '/', START)).toBe(times.classOf('GET', '/?q=1', START))
  })

  it('are 64 at most: the one used least lately is forgotten', () => {
    const times = new AnswerTimes(START)
    const kept = times.classOf('GET', '/kept', START)
    const forgotten = times.classOf('GET', '/forgotten', START)
    for (let other = 0; other < 63; other++) {
      times.classOf('GET', '/kept', ms(START + 10 + other))
      times.classOf('GET', `/other-${other}`, ms(START + 10 + other))
    }
    expect(times.classOf('GET', '/kept', ms(START + 100))).toBe(kept)
    expect(times.classOf('GET', '/forgotten', ms(START + 100))).not.toBe(forgotten)
  })

  it('are 64 at most, even of methods that clients invent', () => {
    const times = new AnswerTimes(START)
    const first = times.classOf('GET', '/', START)
    for (let other = 0; other < 64; other++) times.classOf(`INVENTED-${other}`, '/', ms(START + 1 + other))
    expect(times.classOf('GET', '/', ms(START + 100))).not.toBe(first)
  })
})
