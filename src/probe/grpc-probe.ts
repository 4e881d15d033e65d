/** Asks the health service of a gRPC server (grpc.health.v1.Health/Check), over HTTP/2 with TLS or in clear text. */
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import { connect, constants } from 'node:http2'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Finding } from './attempt.ts'
import { failed, leaving, passed } from './attempt.ts'
import type { Conversation, Report } from './conversation.ts'
import { converse } from './conversation.ts'
import { healthRequest, healthStatus, MAX_ANSWER } from './grpc-health.ts'
import type { Probe, ProbeLimits, ProbeTarget } from './probe.ts'
import { authorityOf } from './probe.ts'
import { quotation } from './quotation.ts'

export type GrpcProbeOptions = Readonly<{
  /** Whose health is asked for; '' for the server as a whole. */
  service: string
  /** Ours, for the User-Agent. */
  version: string
}>

/** Eight digits are the most that grpc-timeout can have. */
const LONGEST_TIMEOUT = 99_999_999
const NOT_FOUND = '5'
const UNIMPLEMENTED = '12'

export function grpcProbe(options: GrpcProbeOptions): Probe {
  return (target, limits, done) => converse(target, limits, new GrpcConversation(options, target, limits), done)
}

class GrpcConversation implements Conversation {
  readonly alpn = ['h2']
  private readonly options: GrpcProbeOptions
  private readonly target: ProbeTarget
  private readonly limits: ProbeLimits
  private readonly startedAt: number
  /** Anything of HTTP/2 came: a sign of life. */
  private heard = false
  private goingAway = false
  private headers: IncomingHttpHeaders | null = null
  /** Where the outcome is: the trailers, or the headers of an answer that has nothing else. */
  private outcome: IncomingHttpHeaders | null = null
  private message: Buffer = Buffer.alloc(0)
  private problem = ''

  constructor(options: GrpcProbeOptions, target: ProbeTarget, limits: ProbeLimits) {
    this.options = options
    this.target = target
    this.limits = limits
    this.startedAt = limits.clock.now()
  }

  opened(socket: Socket, _elapsed: number, report: Report): Finding | null {
    if (socket instanceof TLSSocket && socket.alpnProtocol !== 'h2') {
      return failed(null, 'the server does not offer HTTP/2 (ALPN h2)')
    }
    // The name is never resolved: the connection is there already, and :authority is said with the request.
    const session = connect('http://localhost', {
      createConnection: () => socket,
      settings: { enablePush: false },
      maxSessionMemory: 1,
    })
    this.watchSession(session, report)
    this.watchStream(session.request(this.request()), report)
    return null
  }

  closed(detail: string): Finding | null {
    if (this.outcome) return this.judge()
    if (this.goingAway) return this.gone()
    return this.heard ? failed('truncated', `${detail} before the answer was complete`) : null
  }

  unanswered(timeout: number): Finding | null {
    return this.heard ? failed(null, `the health service has not answered within ${timeout} ms`) : null
  }

  private request(): Record<string, string> {
    return {
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_SCHEME]: this.target.tls ? 'https' : 'http',
      [constants.HTTP2_HEADER_AUTHORITY]: authorityOf(this.target),
      [constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': `${Math.min(LONGEST_TIMEOUT, Math.ceil(this.limits.timeout))}m`,
      'user-agent': `understudy-probe/${this.options.version}`,
    }
  }

  private watchSession(session: ClientHttp2Session, report: Report): void {
    session.on('remoteSettings', () => {
      this.heard = true
    })
    // Errors of the connection itself are known from its socket; what is left is an answer that is no HTTP/2.
    session.on('error', (error) => report(this.unusable(error)))
    session.on('goaway', (code: number) => {
      if (code !== constants.NGHTTP2_NO_ERROR) return
      this.goingAway = true
      // An answer that came along with it counts: some servers take one request per connection.
      this.limits.clock.afterPendingIo(() => report(this.gone()))
    })
  }

  private watchStream(stream: ClientHttp2Stream, report: Report): void {
    stream.on('response', (headers, flags) => {
      this.heard = true
      this.headers = headers
      if (flags & constants.NGHTTP2_FLAG_END_STREAM) this.outcome = headers
      const refusal = refusalIn(headers)
      if (refusal) report(refusal)
    })
    stream.on('data', (bytes: Buffer) => {
      this.message = Buffer.concat([this.message, bytes])
      if (this.message.length > MAX_ANSWER) report(failed(null, 'the answer is too long for a health status'))
    })
    stream.on('trailers', (trailers) => {
      this.outcome = trailers
    })
    stream.on('end', () => {
      if (this.outcome) report(this.judge())
    })
    stream.on('error', (error) => {
      this.problem = error.message
    })
    stream.on('close', () => report(this.outcome || !this.goingAway ? this.judge() : this.gone()))
    stream.end(healthRequest(this.options.service))
  }

  private judge(): Finding {
    if (!this.headers) return this.unusable({ message: this.problem || 'the stream was closed' })
    const { service } = this.options
    const status = this.outcome?.['grpc-status']
    const said = quotation(String(this.outcome?.['grpc-message'] ?? ''))
    if (status === undefined) return failed(null, `the answer has no grpc-status${this.problem && `: ${this.problem}`}`)
    if (status === UNIMPLEMENTED) return failed(null, 'the server has no health service (grpc.health.v1.Health)')
    if (status === NOT_FOUND) return failed(null, `the health service does not know ${JSON.stringify(service)}`)
    if (status !== '0') return failed(null, quotation(`grpc-status ${status}${said && `: ${said}`}`))
    const health = healthStatus(this.message)
    if (health === null) return failed(null, 'the answer is not valid gRPC')
    const took = `${health} in ${Math.round(this.limits.clock.now() - this.startedAt)} ms`
    return health === 'SERVING' ? passed(took) : failed(null, took)
  }

  private gone(): Finding {
    return leaving('the server sends GOAWAY, it is shutting down')
  }

  private unusable({ message }: Pick<Error, 'message'>): Finding {
    return failed(null, `the answer is not valid HTTP/2: ${quotation(message)}`)
  }
}

/** An answer that decides by itself, whatever comes after it: something other than gRPC answers there. */
function refusalIn(headers: IncomingHttpHeaders): Finding | null {
  const status = headers[':status']
  if (Number(status) !== 200) return failed(null, `HTTP ${status} in place of an answer in gRPC`)
  const type = headers['content-type'] ?? ''
  return /^application\/grpc([+;]|$)/.test(type) ? null : failed(null, 'the answer is not of type application/grpc')
}
