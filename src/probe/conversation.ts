/**
 * The part that every probe on a socket has in common: open it, wait no longer than the deadline, close it, report once.
 * What is said on the socket, and what the answer means, is the business of a `Conversation`.
 */
import type { Socket } from 'node:net'
import type { FailureKind } from '../core/failure.ts'
import type { ProbeResult } from '../core/health.ts'
import type { Cancel } from '../core/time.ts'
import { failureKindOf } from '../wire/socket-failure.ts'
import type { Finding } from './attempt.ts'
import { Attempt, failed } from './attempt.ts'
import type { ProbeLimits, ProbeTarget } from './probe.ts'
import type { StartTls } from './probe-socket.ts'
import { ProbeSocket } from './probe-socket.ts'

export type Report = (finding: Finding) => void

/** Each method may end the probe with a finding, or go on with null. `elapsed` is since the probe began, in ms. */
export interface Conversation {
  /** The connection is open, and encrypted if it is to be. */
  opened(socket: Socket, elapsed: number, report: Report): Finding | null
  /** Left out by a conversation that reads the socket in a way of its own, and uses `report`. */
  received?(bytes: Buffer, elapsed: number): Finding | null
  /** The upstream closed the connection, or its reset arrived. Null or left out: that is a failure. */
  closed?(detail: string, failure: FailureKind): Finding | null
  /** The deadline has passed on an open connection. Null or left out: that is a failure. */
  unanswered?(timeout: number): Finding | null
  /** Said before we close, so that the upstream has no broken session to complain of. */
  goodbye?(): Buffer | null
  /** A finding from `opened` counts only if the connection is still open after this many ms. */
  readonly lingers?: number
  readonly alpn?: readonly string[]
  readonly startTls?: StartTls
}

export function converse(
  target: ProbeTarget,
  limits: ProbeLimits,
  conversation: Conversation,
  done: (result: ProbeResult) => void,
): Cancel {
  const talk = new Talk(limits, conversation, done)
  talk.begin(target)
  return () => talk.attempt.cancel()
}

class Talk {
  readonly attempt: Attempt
  private readonly limits: ProbeLimits
  private readonly conversation: Conversation
  private line: ProbeSocket | null = null
  private socket: Socket | null = null
  private connected = false
  private heard = false
  /** What was found, while goodbye is being said. */
  private found: Finding | null = null

  constructor(limits: ProbeLimits, conversation: Conversation, done: (result: ProbeResult) => void) {
    this.limits = limits
    this.conversation = conversation
    this.attempt = new Attempt(limits, done, {
      expired: () => this.found ?? this.unanswered(),
      release: () => this.line?.destroy(),
    })
  }

  begin(target: ProbeTarget): void {
    const { alpn = [], startTls = null } = this.conversation
    try {
      this.line = new ProbeSocket(
        target,
        { alpn, startTls },
        {
          connected: () => {
            this.connected = true
          },
          opened: (socket) => this.opened(socket),
          declined: (finding) => this.attempt.finish(finding),
          broken: (error) => this.broken(error),
        },
        this.limits.clock,
      )
    } catch (error) {
      // Only what we gave to TLS can be at fault here, such as a `ca` that is no certificate.
      const detail = `cannot begin: ${error instanceof Error ? error.message : String(error)}`
      this.limits.clock.afterPendingIo(() => this.attempt.finish(failed('tls', detail)))
    }
  }

  private opened(socket: Socket): void {
    if (this.attempt.over) return
    const { conversation, attempt } = this
    this.socket = socket
    const finding = conversation.opened(socket, attempt.elapsed, (late) => this.conclude(late))
    if (finding && conversation.lingers === undefined) return this.conclude(finding)
    if (finding) attempt.endAfter(conversation.lingers ?? 0, () => finding)
    if (conversation.received) socket.on('data', (bytes: Buffer) => this.received(bytes))
  }

  private received(bytes: Buffer): void {
    if (this.attempt.over || this.found) return
    this.heard = true
    const finding = this.conversation.received?.(bytes, this.attempt.elapsed)
    if (finding) this.conclude(finding)
  }

  private conclude(finding: Finding): void {
    if (this.attempt.over || this.found) return
    const goodbye = this.conversation.goodbye?.()
    if (!goodbye || !this.socket) return this.attempt.finish(finding)
    this.found = finding
    this.socket.end(goodbye, () => this.attempt.finish(finding))
  }

  private broken(error: NodeJS.ErrnoException | null): void {
    if (!this.attempt.over) this.attempt.finish(this.found ?? this.cutOff(error))
  }

  private cutOff(error: NodeJS.ErrnoException | null): Finding {
    const failure = failureKindOf(error)
    const detail = describe(failure, error)
    if (!this.socket) return failed(failure, detail)
    const finding = this.conversation.closed?.(detail, failure)
    if (finding) return finding
    return this.heard ? failed('truncated', 'the answer was cut short') : failed(failure, `${detail} before any answer`)
  }

  private unanswered(): Finding {
    const { timeout } = this.limits
    if (!this.connected) return failed('timeout', `no connection within ${timeout} ms`)
    if (!this.socket) return failed('timeout', `no TLS handshake within ${timeout} ms`)
    const finding = this.conversation.unanswered?.(timeout)
    if (finding) return finding
    // Part of an answer is a sign of life: unfit, but no hang.
    return this.heard
      ? failed(null, `the answer was not complete within ${timeout} ms`)
      : failed('timeout', `no answer within ${timeout} ms`)
  }
}

function describe(failure: FailureKind, error: NodeJS.ErrnoException | null): string {
  if (!error) return 'the connection was closed'
  switch (failure) {
    case 'refused':
      return 'connection refused'
    case 'reset':
      return 'the connection was reset'
    case 'tls':
      return `TLS: ${error.message}`
    case 'unreachable':
      return `unreachable (${error.code})`
    default:
      return error.message
  }
}
