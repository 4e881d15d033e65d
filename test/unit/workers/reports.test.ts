// What a worker tells of its traffic, and when.
import { beforeEach, describe, expect, it } from 'vitest'
import { AnswerTimes } from '../../../src/core/answer-times.ts'
import { Evidence } from '../../../src/core/evidence.ts'
import type { Failure } from '../../../src/core/failure.ts'
import { ms } from '../../../src/core/time.ts'
import type { PoolReport } from '../../../src/workers/messages.ts'
import { PoolReporter } from '../../../src/workers/pool-reporter.ts'
import { Desk } from '../../../src/workers/report-desk.ts'
import { ReportingLedger } from '../../../src/workers/reporting-ledger.ts'
import { SharedHearing, sharedMoments } from '../../../src/workers/shared-hearing.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { blue } from '../../support/simulated-pool.ts'

const RESET: Failure = {
  phase: 'awaiting-head',
  blame: 'upstream',
  connection: 'fresh',
  kind: 'reset',
  detail: 'reset',
  status: 0,
}

let clock: FakeClock
let sent: PoolReport[]
let endOfTurn: (() => void)[]
let desk: Desk
let reporter: PoolReporter
let ledger: ReportingLedger

beforeEach(() => {
  clock = new FakeClock()
  sent = []
  endOfTurn = []
  desk = new Desk({
    clock,
    atEndOfTurn: (sender) => endOfTurn.push(() => sender.flush()),
    send: (report) => sent.push(report),
  })
  reporter = new PoolReporter('shop', desk, () => 0)
  const known = {
    evidence: new Evidence({ gatewayErrors: 5, successRate: 0.5 }, clock.now()),
    answerTimes: new AnswerTimes(clock.now()),
  }
  ledger = new ReportingLedger(blue, known, reporter, new SharedHearing(sharedMoments(1), 0))
})

const endTurn = () => {
  for (const task of endOfTurn.splice(0)) task()
}

const serve = (status: number) => {
  ledger.attemptStarted()
  ledger.attemptAnswered(status, '/items', clock.now())
  ledger.attemptDelivered(status, clock.now(), clock.now())
  ledger.attemptEnded()
}

describe('good news', () => {
  it('is told together, a few milliseconds later', () => {
    ledger.exemplary = true
    for (let request = 0; request < 3; request++) serve(200)
    serve(304)
    endTurn()
    expect(sent).toEqual([])
    clock.advance(5)
    expect(sent).toHaveLength(1)
    expect(sent[0]?.sightings).toMatchObject([
      {
        what: 'good',
        upstream: blue,
        answered: [
          [200, 3],
          [304, 1],
        ],
        delivered: 4,
      },
    ])
    expect(sent[0]?.loads).toMatchObject([{ upstream: blue, inFlight: 0 }])
    clock.assertIdle()
  })
})

describe('bad news', () => {
  it.each([
    ['a failure', () => ledger.attemptFailed(RESET, '/items', ms(7)), { what: 'failed', failure: RESET }],
    ['an answer of 503', () => ledger.attemptAnswered(503, '/items', ms(7)), { what: 'answered', status: 503 }],
    ['a 421, after which somebody has to ask', () => ledger.attemptAnswered(421, '', ms(7)), { status: 421 }],
    ['a GOAWAY', () => ledger.goawayCame(ms(7)), { what: 'goaway' }],
  ])('%s leaves at the end of the turn', (_, happens, sighting) => {
    happens()
    endTurn()
    expect(sent[0]?.sightings).toContainEqual(expect.objectContaining({ upstream: blue, ...sighting }))
    clock.assertIdle()
  })

  it('stays in its place between the good, for errors in a row are counted', () => {
    serve(200)
    ledger.attemptFailed(RESET, '/items', clock.now())
    serve(200)
    endTurn()
    expect(sent[0]?.sightings.map(({ what }) => what)).toEqual(['good', 'failed', 'good'])
  })
})

describe('what is in flight', () => {
  it('is told at once where somebody may wait for the last of it: an upstream that is not the active any more', () => {
    ledger.exemplary = false
    serve(200)
    endTurn()
    expect(sent[0]?.loads).toMatchObject([{ inFlight: 0 }])
  })

  it('is told in answer to a new route, together with everything before', () => {
    ledger.attemptStarted()
    desk.confirm(reporter)
    expect(sent).toMatchObject([{ followsSince: clock.now(), loads: [{ upstream: blue, inFlight: 1 }] }])
    clock.advance(5)
    endTurn()
    expect(sent).toHaveLength(1)
    clock.assertIdle()
  })
})
