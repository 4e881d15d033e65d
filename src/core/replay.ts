/**
 * May a failed request be sent again? Decided by what the upstream can have received: no request is executed twice
 * unless its method (RFC 9110 §9.2.2) or its owner says that this does no harm.
 */
import type { Failure } from './failure.ts'
import { isGatewayStatus, isKeepAliveRace, isUnprocessedStatus } from './failure.ts'

export type MethodClass = 'safe' | 'idempotent' | 'unsafe'

/** RFC 9110 §9.2. Unknown methods are unsafe: nothing is known of what they do. */
export function methodClass(method: string): MethodClass {
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'OPTIONS':
    case 'TRACE':
      return 'safe'
    case 'PUT':
    case 'DELETE':
      return 'idempotent'
    default:
      return 'unsafe'
  }
}

export type ReplayQuestion = Readonly<{
  failure: Failure
  method: MethodClass
  /** The request carries an Idempotency-Key and its pool honours it. */
  repeatable: boolean
  /** Every byte of the body that was read so far is still kept. */
  bodyKept: boolean
  /** Replays on another upstream so far. */
  replays: number
  /** A lost keep-alive race was already answered with a fresh socket. */
  raced: boolean
  /** Whether another answer of 500 may still be tried elsewhere: one broken path must not double the standby's load. */
  errorBudgetLeft: boolean
}>

export type GiveUpReason =
  | 'client-gone'
  | 'response-started'
  | 'already-replayed'
  | 'body-not-kept'
  | 'may-have-executed'
  | 'error-budget'
  | 'not-retryable'

export type ReplayDecision =
  | Readonly<{ action: 'replay'; where: 'elsewhere' | 'same-upstream' }>
  /** A stopped upstream may still answer, and may still execute: the attempt goes on until its own deadline. */
  | Readonly<{ action: 'keep-waiting' }>
  | Readonly<{ action: 'give-up'; reason: GiveUpReason }>

const ELSEWHERE = { action: 'replay', where: 'elsewhere' } as const
const SAME = { action: 'replay', where: 'same-upstream' } as const
const KEEP_WAITING = { action: 'keep-waiting' } as const
const giveUp = (reason: GiveUpReason): ReplayDecision => ({ action: 'give-up', reason })

export function decideReplay(question: ReplayQuestion): ReplayDecision {
  const { failure } = question
  if (failure.blame === 'client') return giveUp('client-gone')
  if (failure.phase === 'streaming') return giveUp('response-started')
  if (!question.bodyKept) return giveUp('body-not-kept')

  const unprocessed = failure.kind === 'unprocessed'
  const race = unprocessed || isKeepAliveRace(failure)
  if (question.replays >= 1 && !race) return giveUp('already-replayed')
  if (!unprocessed && failure.phase !== 'connecting' && failure.phase !== 'unsent') {
    const refusal = mayHaveExecuted(question)
    if (refusal) return refusal
  }
  return race && !question.raced ? SAME : question.replays >= 1 ? giveUp('already-replayed') : ELSEWHERE
}

/** The upstream has received something. Null when sending it again is harmless all the same. */
function mayHaveExecuted(question: ReplayQuestion): ReplayDecision | null {
  const { failure, method, repeatable } = question
  if (failure.kind === 'status') return afterStatus(question)
  // An incomplete request cannot have been executed by a sound server, but a POST is not bet on that.
  if (method === 'safe' || (method === 'idempotent' && failure.phase === 'partly-sent')) return null
  if (failure.phase === 'held') return giveUp('may-have-executed')
  if (failure.kind === 'hang') return repeatable ? null : KEEP_WAITING
  if (repeatable) return null
  if (method === 'idempotent' && failure.kind !== 'timeout') return null
  return giveUp('may-have-executed')
}

function afterStatus(question: ReplayQuestion): ReplayDecision | null {
  const { failure, method, errorBudgetLeft } = question
  if (isGatewayStatus(failure.status)) return method === 'unsafe' ? giveUp('may-have-executed') : null
  if (isUnprocessedStatus(failure.status)) return null
  if (failure.status !== 500) return giveUp('not-retryable')
  if (method !== 'safe') return giveUp('may-have-executed')
  return errorBudgetLeft ? null : giveUp('error-budget')
}
