/** May a failed request be sent again: the table of the design, cell by cell. */
import { describe, expect, it } from 'vitest'
import type { Failure } from '../../src/core/failure.ts'
import type { MethodClass, ReplayDecision, ReplayQuestion } from '../../src/core/replay.ts'
import { decideReplay, methodClass } from '../../src/core/replay.ts'

const SENT: Failure = {
  phase: 'awaiting-head',
  blame: 'upstream',
  connection: 'fresh',
  kind: 'reset',
  detail: 'connection reset',
  status: 0,
}

function ask(failure: Partial<Failure>, method: MethodClass, question: Partial<ReplayQuestion> = {}): string {
  const asked = { repeatable: false, bodyKept: true, replays: 0, raced: false, errorBudgetLeft: true, ...question }
  return brief(decideReplay({ ...asked, failure: { ...SENT, ...failure }, method }))
}

function brief(decision: ReplayDecision): string {
  if (decision.action === 'replay') return decision.where === 'elsewhere' ? 'replay' : 'fresh socket'
  return decision.action === 'keep-waiting' ? 'wait' : decision.reason
}

const answered = (status: number): Partial<Failure> => ({ kind: 'status', status })
const MAYBE = 'may-have-executed'

/** Failure; then the decision for safe, idempotent and unsafe methods, and for an unsafe one with an honoured key. */
const TABLE: readonly [name: string, failure: Partial<Failure>, string, string, string, string][] = [
  ['connect refused', { phase: 'connecting', kind: 'refused' }, 'replay', 'replay', 'replay', 'replay'],
  ['connect timeout', { phase: 'connecting', kind: 'timeout' }, 'replay', 'replay', 'replay', 'replay'],
  ['name not found', { phase: 'connecting', kind: 'dns' }, 'replay', 'replay', 'replay', 'replay'],
  ['TLS refused', { phase: 'connecting', kind: 'tls' }, 'replay', 'replay', 'replay', 'replay'],
  ['no byte given to the kernel', { phase: 'unsent' }, 'replay', 'replay', 'replay', 'replay'],
  ['hang before a byte was sent', { phase: 'unsent', kind: 'hang' }, 'replay', 'replay', 'replay', 'replay'],
  ['part written, reset', { phase: 'partly-sent' }, 'replay', 'replay', MAYBE, 'replay'],
  ['part written, timeout', { phase: 'partly-sent', kind: 'timeout' }, 'replay', 'replay', MAYBE, 'replay'],
  ['part written, hang', { phase: 'partly-sent', kind: 'hang' }, 'replay', 'replay', 'wait', 'replay'],
  ['all written, crash', {}, 'replay', 'replay', MAYBE, 'replay'],
  ['all written, cut short', { kind: 'truncated' }, 'replay', 'replay', MAYBE, 'replay'],
  ['all written, nonsense answered', { kind: 'protocol' }, 'replay', 'replay', MAYBE, 'replay'],
  ['all written, timeout', { kind: 'timeout' }, 'replay', MAYBE, MAYBE, 'replay'],
  ['all written, hang', { kind: 'hang' }, 'replay', 'wait', 'wait', 'replay'],
  ['421 answered', answered(421), 'replay', 'replay', 'replay', 'replay'],
  ['425 answered', answered(425), 'replay', 'replay', 'replay', 'replay'],
  ['502 answered', answered(502), 'replay', 'replay', MAYBE, MAYBE],
  ['503 answered', answered(503), 'replay', 'replay', MAYBE, MAYBE],
  ['504 answered', answered(504), 'replay', 'replay', MAYBE, MAYBE],
  ['500 answered', answered(500), 'replay', MAYBE, MAYBE, MAYBE],
  ['501 answered', answered(501), 'not-retryable', 'not-retryable', 'not-retryable', 'not-retryable'],
  ['404 answered', answered(404), 'not-retryable', 'not-retryable', 'not-retryable', 'not-retryable'],
  ['head held back, body cut', { phase: 'held', kind: 'truncated' }, 'replay', MAYBE, MAYBE, MAYBE],
  ['something reached the client', { phase: 'streaming' }, ...same('response-started')],
  ['the client went away', { blame: 'client', kind: 'aborted' }, ...same('client-gone')],
  ['the client went away before it was sent', { blame: 'client', phase: 'connecting' }, ...same('client-gone')],
]

function same(reason: string): [string, string, string, string] {
  return [reason, reason, reason, reason]
}

describe.each(TABLE)('%s', (_name, failure, safe, idempotent, unsafe, keyed) => {
  it(`safe: ${safe}, idempotent: ${idempotent}, unsafe: ${unsafe}, with a key: ${keyed}`, () => {
    expect(ask(failure, 'safe')).toBe(safe)
    expect(ask(failure, 'idempotent')).toBe(idempotent)
    expect(ask(failure, 'unsafe')).toBe(unsafe)
    expect(ask(failure, 'unsafe', { repeatable: true })).toBe(keyed)
  })

  it('is replayed at most once, and never without its body', () => {
    for (const method of ['safe', 'idempotent', 'unsafe'] as const) {
      expect(ask(failure, method, { replays: 1 })).not.toMatch(/^(replay|fresh socket)$/)
      expect(ask(failure, method, { bodyKept: false })).not.toMatch(/^(replay|fresh socket)$/)
    }
  })
})

describe('a lost keep-alive race', () => {
  const RACE = { connection: 'reused' } as const

  it('is run again on a fresh socket to the same upstream, then elsewhere', () => {
    expect(ask(RACE, 'safe')).toBe('fresh socket')
    expect(ask(RACE, 'safe', { raced: true })).toBe('replay')
  })

  it('does not use up the one replay, nor does it bring a second', () => {
    expect(ask(RACE, 'safe', { replays: 1 })).toBe('fresh socket')
    expect(ask(RACE, 'safe', { replays: 1, raced: true })).toBe('already-replayed')
  })

  it('lets an unsafe request be sent again only when it was never sent', () => {
    expect(ask({ ...RACE, phase: 'unsent' }, 'unsafe')).toBe('fresh socket')
    expect(ask(RACE, 'unsafe')).toBe(MAYBE)
    expect(ask({ ...RACE, phase: 'partly-sent' }, 'unsafe')).toBe(MAYBE)
  })

  it('is no race any more once a head has arrived, or when it ended otherwise than by a reset', () => {
    expect(ask({ ...RACE, phase: 'held' }, 'safe')).toBe('replay')
    expect(ask({ ...RACE, kind: 'timeout' }, 'safe')).toBe('replay')
    expect(ask({ ...RACE, phase: 'streaming' }, 'safe')).toBe('response-started')
  })
})

describe('a request that the upstream proved not to have begun', () => {
  const UNPROCESSED = { kind: 'unprocessed' } as const

  it.each(['safe', 'idempotent', 'unsafe'] as const)(
    'is sent again whatever it is (%s): there, then elsewhere',
    (method) => {
      expect(ask(UNPROCESSED, method)).toBe('fresh socket')
      expect(ask(UNPROCESSED, method, { raced: true })).toBe('replay')
      expect(ask(UNPROCESSED, method, { raced: true, replays: 1 })).toBe('already-replayed')
    },
  )

  it('is not sent again without its body', () => {
    expect(ask(UNPROCESSED, 'unsafe', { bodyKept: false })).toBe('body-not-kept')
  })
})

describe('replays of an answer 500', () => {
  it('stop when the budget is used up', () => {
    expect(ask(answered(500), 'safe', { errorBudgetLeft: false })).toBe('error-budget')
  })

  it('leave the budget of other failures alone', () => {
    expect(ask(answered(503), 'safe', { errorBudgetLeft: false })).toBe('replay')
    expect(ask({}, 'safe', { errorBudgetLeft: false })).toBe('replay')
  })
})

describe('methods', () => {
  it.each([
    ['GET', 'safe'],
    ['HEAD', 'safe'],
    ['OPTIONS', 'safe'],
    ['TRACE', 'safe'],
    ['PUT', 'idempotent'],
    ['DELETE', 'idempotent'],
    ['POST', 'unsafe'],
    ['PATCH', 'unsafe'],
    ['CONNECT', 'unsafe'],
    ['PURGE', 'unsafe'],
    ['get', 'unsafe'],
  ] as const)('%s is %s', (method, expected) => {
    expect(methodClass(method)).toBe(expected)
  })
})
