import { describe, expect, it } from 'vitest'
import { AnswerTimes } from '../../../src/core/answer-times.ts'
import { Evidence, type Finding } from '../../../src/core/evidence.ts'
import type { Failure } from '../../../src/core/failure.ts'
import { ms } from '../../../src/core/time.ts'
import { UpstreamLedger } from '../../../src/runtime/ledger.ts'
import { blue } from '../../support/simulated-pool.ts'

function newLedger() {
  const findings: Finding[] = []
  const evidence = new Evidence({ gatewayErrors: 5, successRate: 0.5 }, ms(0))
  const known = { evidence, answerTimes: new AnswerTimes(ms(0)) }
  return { ledger: new UpstreamLedger(blue, known, (finding) => findings.push(finding)), findings }
}

const refused: Failure = {
  phase: 'connecting',
  blame: 'upstream',
  connection: 'fresh',
  kind: 'refused',
  detail: 'connection refused',
  status: 0,
}

describe('the account of an upstream', () => {
  it('knows its last outcome, once there is one', () => {
    const { ledger } = newLedger()
    expect(ledger.lastOutcome).toBeNull()
    ledger.attemptAnswered(204, 'GET /', ms(5))
    expect(ledger.lastOutcome).toEqual({ at: 5, what: 'answered 204' })
    ledger.attemptFailed(refused, 'GET /', ms(6))
    expect(ledger.lastOutcome).toEqual({ at: 6, what: 'connection refused' })
    ledger.sessionTaken(ms(7))
    expect(ledger.lastOutcome).toEqual({ at: 7, what: 'took a connection' })
    expect(ledger.counters.answers[2]).toBe(1)
    expect(ledger.counters.failures.get('refused')).toBe(1)
  })

  it('does not hold a client that went away against the upstream', () => {
    const { ledger, findings } = newLedger()
    ledger.attemptFailed({ ...refused, blame: 'client', kind: 'aborted' }, 'GET /', ms(5))
    expect(ledger.lastOutcome).toBeNull()
    expect(ledger.counters.failures.get('aborted')).toBe(0)
    expect(findings).toEqual([])
  })

  it('passes on what the evidence shows', () => {
    const { ledger, findings } = newLedger()
    ledger.attemptFailed(refused, 'GET /', ms(5))
    ledger.attemptFailed(refused, 'GET /', ms(20))
    expect(findings).toMatchObject([{ type: 'confirm' }, { type: 'convict', conviction: { rule: 'crash' } }])
  })

  it('tells when nothing is in flight: at once, or after the last attempt, and each listener once', () => {
    const { ledger } = newLedger()
    let told = 0
    ledger.whenIdle(() => told++)
    expect(told).toBe(1)
    ledger.attemptStarted()
    ledger.attemptStarted()
    ledger.whenIdle(() => told++)
    ledger.attemptEnded()
    expect(told).toBe(1)
    ledger.attemptEnded()
    expect(told).toBe(2)
    ledger.attemptStarted()
    ledger.attemptEnded()
    expect(told).toBe(2)
  })
})
