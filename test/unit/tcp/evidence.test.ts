// What the rules of detection make of TCP, whose traffic is all of one class.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Evidence } from '../../../src/core/evidence.ts'
import type { Failure } from '../../../src/core/failure.ts'
import { ms } from '../../../src/core/time.ts'

const reset = (phase: Failure['phase']): Failure => ({
  phase,
  blame: 'upstream',
  connection: 'fresh',
  kind: 'reset',
  detail: 'read ECONNRESET',
  status: 0,
})

test.each(['unsent', 'awaiting-head', 'streaming'] as const)(
  'the third %s session reset within 200 ms asks for a probe, the first two do not',
  (phase) => {
    const evidence = new Evidence({ gatewayErrors: 5, successRate: 0.5 }, ms(0))
    const found = [0, 60, 120].map((at) => evidence.failed(reset(phase), 'tcp', ms(at))?.type ?? null)
    expect(found).toEqual([null, null, 'confirm'])
  },
)

test('three resets over a longer time do not', () => {
  const evidence = new Evidence({ gatewayErrors: 5, successRate: 0.5 }, ms(0))
  expect([0, 300, 600].map((at) => evidence.failed(reset('streaming'), 'tcp', ms(at)))).toEqual([null, null, null])
})

test('resets of established sessions alone never convict, however many and however fast', () => {
  const phases = fc.constantFrom<Failure['phase']>('unsent', 'awaiting-head', 'streaming')
  const storm = fc.array(fc.record({ phase: phases, after: fc.nat(300) }), { minLength: 50, maxLength: 200 })
  fc.assert(
    fc.property(storm, (signs) => {
      const evidence = new Evidence({ gatewayErrors: 5, successRate: 0.5 }, ms(0))
      let now = 0
      for (const { phase, after } of signs) {
        now += after
        expect(evidence.failed(reset(phase), 'tcp', ms(now))?.type).not.toBe('convict')
      }
    }),
  )
})
