import { describe, expect, it } from 'vitest'
import { ErrorRun } from '../../src/core/error-run.ts'
import { ms } from '../../src/core/time.ts'

/** `GET /a` failed at 0, `GET /b` at 10 ms. */
function begun(): ErrorRun {
  const run = new ErrorRun()
  run.failed('GET /a', ms(0))
  run.failed('GET /b', ms(10))
  return run
}

describe('a run of errors', () => {
  it('takes two kinds of requests: one broken path is none', () => {
    const run = new ErrorRun()
    expect(run.goesOn(ms(0))).toBe(false)
    for (let at = 0; at < 50; at += 10) run.failed('GET /a', ms(at))
    expect(run.goesOn(ms(50))).toBe(false)
    run.failed('GET /b', ms(60))
    expect(run.goesOn(ms(60))).toBe(true)
  })

  it('ends with a good answer to a request that was sent since its first error', () => {
    const run = begun()
    expect(run.delivered(ms(0))).toBe(true)
    expect(run.goesOn(ms(20))).toBe(false)
    expect(run.delivered(ms(30))).toBe(false)
  })

  it('goes on whatever becomes of requests that were sent before', () => {
    const run = begun()
    expect(run.delivered(ms(-1))).toBe(false)
    expect(run.goesOn(ms(20))).toBe(true)
  })

  it('that has not become one yet ends without a word', () => {
    const run = new ErrorRun()
    run.failed('GET /a', ms(0))
    expect(run.delivered(ms(5))).toBe(false)
    run.failed('GET /b', ms(10))
    expect(run.goesOn(ms(10))).toBe(false)
  })

  it('is over after a quarter of a second, and the next error begins another', () => {
    const run = begun()
    expect(run.goesOn(ms(250))).toBe(true)
    expect(run.goesOn(ms(251))).toBe(false)
    run.failed('GET /a', ms(260))
    expect(run.goesOn(ms(260))).toBe(false)
    run.failed('GET /b', ms(270))
    expect(run.goesOn(ms(510))).toBe(true)
  })

  it('is forgotten on demand', () => {
    const run = begun()
    run.clear()
    expect(run.goesOn(ms(20))).toBe(false)
  })
})
