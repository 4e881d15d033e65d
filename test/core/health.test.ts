/** The probes' verdict on one upstream. */
import { describe, expect, it } from 'vitest'
import type { HealthPolicy, ProbeHealth, ProbeVerdict } from '../../src/core/health.ts'
import { observeProbe, unknownHealth } from '../../src/core/health.ts'
import { ms } from '../../src/core/time.ts'
import { probeResult } from './support/build.ts'

const THRESHOLDS: HealthPolicy = { healthy: 2, unhealthy: 3 }

/** One result a second. */
function after(verdicts: readonly ProbeVerdict[], policy = THRESHOLDS): ProbeHealth {
  return verdicts.reduce(
    (health, verdict, index) => observeProbe(health, probeResult(verdict), policy, ms((index + 1) * 1_000)),
    unknownHealth(ms(0)),
  )
}

describe('health', () => {
  it('is unknown before the first probe', () => {
    expect(unknownHealth(ms(5))).toMatchObject({ status: 'unknown', since: 5, last: null, passedAt: null })
  })

  it('is decided by the first result, whatever the thresholds', () => {
    expect(after(['pass']).status).toBe('healthy')
    expect(after(['fail']).status).toBe('unhealthy')
  })

  it('survives fewer failures in a row than the threshold', () => {
    expect(after(['pass', 'fail', 'fail']).status).toBe('healthy')
    expect(after(['pass', 'fail', 'fail', 'fail']).status).toBe('unhealthy')
  })

  it('starts counting anew after a result that says otherwise', () => {
    expect(after(['pass', 'fail', 'fail', 'pass', 'fail', 'fail']).status).toBe('healthy')
    expect(after(['fail', 'pass', 'fail', 'pass']).status).toBe('unhealthy')
  })

  it('comes back after enough passes in a row', () => {
    expect(after(['fail', 'pass']).status).toBe('unhealthy')
    expect(after(['fail', 'pass', 'pass']).status).toBe('healthy')
  })

  it('ends at once when the upstream says that it is leaving', () => {
    expect(after(['pass', 'pass', 'leaving']).status).toBe('unhealthy')
    expect(after(['leaving']).status).toBe('unhealthy')
  })

  it('remembers since when it is what it is, and when a probe last passed', () => {
    const health = after(['pass', 'pass', 'fail', 'fail', 'fail', 'fail'])
    expect(health).toMatchObject({ status: 'unhealthy', since: 5_000, streak: 4, last: 'fail', lastAt: 6_000 })
    expect(health.passedAt).toBe(2_000)
    expect(health.detail).toBe('connection refused')
  })
})
