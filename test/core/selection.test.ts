/** Who may become active, in which order of reasons, and how it is told. */
import { describe, expect, it } from 'vitest'
import { eject } from '../../src/core/ejection.ts'
import type { ProbeVerdict } from '../../src/core/health.ts'
import { observeProbe } from '../../src/core/health.ts'
import { answersProbes, describeEach, fitSince, ineligible } from '../../src/core/selection.ts'
import { ms } from '../../src/core/time.ts'
import type { Upstream } from '../../src/core/upstream.ts'
import { newUpstream } from '../../src/core/upstream.ts'
import { BLUE, GREEN, policy, probeResult } from './support/build.ts'

const { health: THRESHOLDS } = policy()

const fresh = (id = BLUE): Upstream => newUpstream(id, 'primary', 0, ms(0))

const probed = (upstream: Upstream, at: number, verdict: ProbeVerdict): Upstream => ({
  ...upstream,
  health: observeProbe(upstream.health, probeResult(verdict), THRESHOLDS, ms(at)),
})

const ejected = (upstream: Upstream, at: number): Upstream => ({
  ...upstream,
  ejection: eject(upstream.ejection, { rule: 'crash', detail: 'refused' }, ms(at)),
})

const administered = (upstream: Upstream, state: 'draining' | 'disabled'): Upstream => ({
  ...upstream,
  admin: { state, since: ms(50) },
})

const reason = (upstream: Upstream, now: number): string | undefined => ineligible(upstream, ms(now))?.reason

describe('an upstream is not eligible', () => {
  it('while it is unknown or unhealthy', () => {
    expect(reason(fresh(), 0)).toBe('unknown')
    expect(reason(probed(fresh(), 10, 'fail'), 10)).toBe('unhealthy')
    expect(reason(probed(fresh(), 10, 'pass'), 10)).toBeUndefined()
  })

  it('while it is ejected, and after that until a probe has passed since it was convicted', () => {
    const upstream = ejected(probed(fresh(), 10, 'pass'), 10)
    expect(reason(upstream, 1_009)).toBe('ejected')
    expect(reason(upstream, 1_010)).toBe('unproven')
    expect(reason(probed(upstream, 500, 'pass'), 1_009)).toBe('ejected')
    expect(reason(probed(upstream, 500, 'pass'), 1_010)).toBeUndefined()
  })

  it('above all when an operator took it out', () => {
    const upstream = ejected(probed(fresh(), 10, 'pass'), 100)
    expect(reason(administered(upstream, 'draining'), 200)).toBe('draining')
    expect(reason(administered(upstream, 'disabled'), 200)).toBe('disabled')
  })
})

describe('an upstream has been fit', () => {
  it('since the last of: its probes passed, its ejection was over, an operator enabled it', () => {
    const upstream = probed(fresh(), 10, 'pass')
    expect(fitSince(upstream)).toBe(10)
    expect(fitSince({ ...upstream, admin: { state: 'enabled', since: ms(70) } })).toBe(70)
    expect(fitSince(ejected(upstream, 500))).toBe(1_500)
  })
})

describe('a last resort', () => {
  it('is enabled, and its latest probe passed after its conviction', () => {
    const upstream = probed(fresh(), 10, 'pass')
    expect(answersProbes(fresh())).toBe(false)
    expect(answersProbes(upstream)).toBe(true)
    expect(answersProbes(administered(upstream, 'draining'))).toBe(false)
    expect(answersProbes(ejected(upstream, 20))).toBe(false)
    expect(answersProbes(probed(ejected(upstream, 20), 30, 'pass'))).toBe(true)
    expect(answersProbes(probed(probed(ejected(upstream, 20), 30, 'pass'), 40, 'fail'))).toBe(false)
  })
})

describe('the reasons', () => {
  it('are told one by one', () => {
    const upstreams = [ejected(probed(fresh(), 10, 'pass'), 10), probed(fresh(GREEN), 10, 'pass')]
    expect(describeEach(upstreams, ms(20))).toBe('blue is ejected by rule crash (refused); green is fit')
    expect(describeEach(upstreams, ms(2_000))).toContain(
      'ejected by rule crash and no probe has passed since (refused)',
    )
    expect(describeEach([fresh()], ms(0))).toBe('blue is not probed yet')
  })
})
