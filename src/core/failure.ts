/** A failed attempt as a value: enough to decide blame, replay and status, once. */

/**
 * How far the attempt had come. `held`: a head arrived and was held back because its small body was not complete yet;
 * nothing of it reached the client. `streaming`: something did.
 */
export type FailurePhase = 'connecting' | 'unsent' | 'partly-sent' | 'awaiting-head' | 'held' | 'streaming'

export type FailureKind =
  | 'refused'
  | 'unreachable'
  | 'dns'
  | 'tls'
  | 'reset'
  | 'timeout'
  | 'hang'
  | 'protocol'
  | 'status'
  /** The upstream has proved that it did not begin with it (RFC 9113 §8.7). */
  | 'unprocessed'
  | 'truncated'
  | 'aborted'

export type Failure = Readonly<{
  phase: FailurePhase
  blame: 'upstream' | 'client' | 'proxy'
  connection: 'fresh' | 'reused'
  kind: FailureKind
  /** For people and logs. */
  detail: string
  /** The upstream's answer when `kind` is `status`, else 0. */
  status: number
}>

/** A close or reset of a reused connection before any byte of an answer: the keep-alive race, evidence of nothing. */
export function isKeepAliveRace(failure: Failure): boolean {
  return (
    failure.connection === 'reused' &&
    failure.kind === 'reset' &&
    failure.phase !== 'held' &&
    failure.phase !== 'streaming'
  )
}

/** Nothing came back to a SYN: lost, or nobody is there. The kernel would send it again only after a second. */
export function isUnansweredConnect(failure: Failure): boolean {
  return failure.phase === 'connecting' && failure.kind === 'timeout'
}

/** 421 (RFC 9110 §15.5.20) and 425 (RFC 8470) prove that the request was not processed. */
export function isUnprocessedStatus(status: number): boolean {
  return status === 421 || status === 425
}

/** Answers that another upstream might have given better. */
export function isFailureStatus(status: number): boolean {
  return status === 500 || isGatewayStatus(status) || isUnprocessedStatus(status)
}

export function isGatewayStatus(status: number): boolean {
  return status === 502 || status === 503 || status === 504
}
