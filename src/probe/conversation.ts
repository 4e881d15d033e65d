/**
 * The part that every probe on a socket has in common: open it, wait no longer than the deadline, close it, report once.
 * What is said on the socket, and what the answer means, is the business of a `Conversation`.
 */
import type { Socket } from 'node:net'
import { connect as connectPlain, isIP } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { connect as connectTls } from 'node:tls'
import type { FailureKind } from '../core/failure.ts'
import type { ProbeResult, ProbeVerdict } from '../core/health.ts'
import type { Cancel } from '../core/time.ts'
import { ms } from '../core/time.ts'
import { failureKindOf } from '../wire/socket-failure.ts'
import type { ProbeLimits, ProbeTarget, ProbeTls } from './probe.ts'

/** A result before its time is known. */
export type Finding = Readonly<{ verdict: ProbeVerdict; failure: FailureKind | null; detail: string }>

/** Each method may end the probe with a finding, or go on with null. `elapsed` is since the probe began, in ms. */
export interface Conversation {
  /** The connection is open, and encrypted if it is to be. */
  opened(socket: Socket, elapsed: number): Finding | null
  received(bytes: Buffer, elapsed: number): Finding | null
  /** The upstream closed the connection, or its reset arrived, before there was a finding. */
  closed(detail: string, failure: FailureKind): Finding
  /** The deadline has passed without a finding, on an open connection. */
  unanswered(timeout: number): Finding
  /** A finding from `opened` counts only if the connection is still open after this many ms. */
  readonly lingers: number
}

export const failed = (failure: FailureKind | null, detail: string): Finding => ({ verdict: 'fail', failure, detail })

export function converse(
  target: ProbeTarget,
  limits: ProbeLimits,
  conversation: Conversation,
  done: (result: ProbeResult) => void,
): Cancel {
  const attempt = new Attempt(limits, conversation, done)
  attempt.begin(target)
  return () => attempt.cancel()
}

class Attempt {
  private readonly limits: ProbeLimits
  private readonly conversation: Conversation
  private readonly done: (result: ProbeResult) => void
  private readonly startedAt: number
  private socket: Socket | null = null
  private connected = false
  private open = false
  private over = false
  private timer: Cancel

  constructor(limits: ProbeLimits, conversation: Conversation, done: (result: ProbeResult) => void) {
    this.limits = limits
    this.conversation = conversation
    this.done = done
    this.startedAt = limits.clock.now()
    // Timers run before I/O: after a standstill of our own the answer may lie unread in the socket's buffer.
    this.timer = limits.clock.after(limits.timeout, () => limits.clock.afterPendingIo(() => this.expire()))
  }

  begin(target: ProbeTarget): void {
    try {
      this.socket = openSocket(target)
    } catch (error) {
      // Only what we gave to TLS can be at fault here, such as a `ca` that is no certificate.
      const detail = `cannot begin: ${error instanceof Error ? error.message : String(error)}`
      this.limits.clock.afterPendingIo(() => this.finish(failed('tls', detail)))
      return
    }
    const { socket, conversation } = this
    socket.on('connect', () => {
      this.connected = true
    })
    socket.on(target.tls ? 'secureConnect' : 'connect', () => this.opened(socket))
    socket.on('data', (bytes: Buffer) => this.step(() => conversation.received(bytes, this.elapsed())))
    socket.on('error', (error) => this.broken(error))
    socket.on('end', () => this.broken(null))
    socket.on('close', () => this.broken(null))
  }

  cancel(): void {
    this.over = true
    this.timer()
    this.socket?.destroy()
  }

  private elapsed(): number {
    return this.limits.clock.now() - this.startedAt
  }

  private opened(socket: Socket): void {
    this.open = true
    const { conversation, limits } = this
    const finding = this.over ? null : conversation.opened(socket, this.elapsed())
    if (!finding) return
    if (conversation.lingers === 0) return this.finish(finding)
    this.timer()
    this.timer = limits.clock.after(conversation.lingers, () => limits.clock.afterPendingIo(() => this.finish(finding)))
  }

  private step(next: () => Finding | null): void {
    const finding = this.over ? null : next()
    if (finding) this.finish(finding)
  }

  private broken(error: NodeJS.ErrnoException | null): void {
    const failure = failureKindOf(error)
    const detail = describe(failure, error)
    this.step(() => (this.open ? this.conversation.closed(detail, failure) : failed(failure, detail)))
  }

  private expire(): void {
    const { timeout } = this.limits
    const missing = this.connected ? 'TLS handshake' : 'connection'
    this.step(() =>
      this.open ? this.conversation.unanswered(timeout) : failed('timeout', `no ${missing} within ${timeout} ms`),
    )
  }

  private finish(finding: Finding): void {
    if (this.over) return
    this.cancel()
    this.done({ ...finding, latency: ms(this.elapsed()) })
  }
}

function openSocket({ host, port, socketPath, tls }: ProbeTarget): Socket {
  const where = socketPath === undefined ? { host, port, noDelay: true } : { path: socketPath }
  return tls ? connectTls({ ...where, ...tlsOptions(host, tls) }) : connectPlain(where)
}

function tlsOptions(host: string, { verify, ca, serverName }: ProbeTls): ConnectionOptions {
  const name = serverName ?? host
  return {
    rejectUnauthorized: verify,
    minVersion: 'TLSv1.2',
    // An address is no name to ask for (RFC 6066 §3); the certificate is checked against it all the same.
    ...(name !== '' && isIP(name) === 0 ? { servername: name } : {}),
    ...(ca === undefined ? {} : { ca }),
  }
}

function describe(failure: FailureKind, error: NodeJS.ErrnoException | null): string {
  if (!error) return 'the connection was closed'
  switch (failure) {
    case 'refused':
      return 'connection refused'
    case 'reset':
      return 'the connection was reset'
    case 'dns':
      return `the name cannot be resolved (${error.code})`
    case 'tls':
      return `TLS: ${error.message}`
    case 'unreachable':
      return `unreachable (${error.code})`
    default:
      return error.message
  }
}
