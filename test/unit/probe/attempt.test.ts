import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProbeResult } from '../../../src/core/health.ts'
import { Attempt, failed, passed } from '../../../src/probe/attempt.ts'
import { FakeClock } from '../../support/fake-clock.ts'

let clock: FakeClock
let results: ProbeResult[]
let released: number
let attempt: Attempt

beforeEach(() => {
  clock = new FakeClock()
  results = []
  released = 0
  attempt = new Attempt({ timeout: 250, clock }, (result) => results.push(result), {
    expired: () => failed('timeout', 'too late'),
    release: () => {
      released++
      expect(results).toEqual([])
    },
  })
})

afterEach(() => clock.assertIdle())

describe('an attempt', () => {
  it('lets go and reports once, whatever comes later', () => {
    clock.advance(30)
    attempt.finish(passed('fine'))
    attempt.finish(failed(null, 'no'))
    attempt.cancel()
    clock.advance(1_000)
    expect(results).toEqual([{ verdict: 'pass', failure: null, detail: 'fine', latency: 30 }])
    expect(released).toBe(1)
  })

  it('reports nothing once it is cancelled', () => {
    attempt.cancel()
    attempt.finish(passed('fine'))
    clock.advance(1_000)
    expect(results).toEqual([])
    expect(released).toBe(1)
  })

  it('ends at its deadline', () => {
    clock.advance(249)
    expect(results).toEqual([])
    clock.advance(1)
    expect(results).toMatchObject([{ failure: 'timeout', detail: 'too late', latency: 250 }])
    expect(released).toBe(1)
  })

  it('prefers the answer that lay unread while we ourselves stood still', () => {
    clock.onPendingIo = () => attempt.finish(passed('unread'))
    clock.stall(10_000)
    expect(results).toMatchObject([{ verdict: 'pass', detail: 'unread' }])
  })

  it('may be given another time to end, even by what lay unread at the first one', () => {
    clock.onPendingIo = () => {
      clock.onPendingIo = () => {}
      attempt.endAfter(100, () => passed('after all'))
    }
    clock.advance(250)
    expect(results).toEqual([])
    clock.advance(100)
    expect(results).toMatchObject([{ verdict: 'pass', detail: 'after all', latency: 350 }])
  })
})
