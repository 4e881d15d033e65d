/** GETs a path: the probe that proves an application alive. Reads no more of the answer than the verdict needs. */
import type { Socket } from 'node:net'
import { isIPv6 } from 'node:net'
import type { FailureKind } from '../core/failure.ts'
import type { Conversation, Finding } from './conversation.ts'
import { converse, failed } from './conversation.ts'
import { HttpAnswer } from './http-answer.ts'
import type { Probe, ProbeTarget } from './probe.ts'

export type StatusRange = Readonly<{ from: number; to: number }>

export type HttpProbeOptions = Readonly<{
  path: string
  expect: readonly StatusRange[]
  /** Text that must occur in the first 64 KiB of the body; null when any body will do. */
  body: string | null
  /** Ours, for the User-Agent. */
  version: string
}>

export function httpProbe(options: HttpProbeOptions): Probe {
  return (target, limits, done) =>
    converse(target, limits, new HttpConversation(options, requestTo(target, options)), done)
}

class HttpConversation implements Conversation {
  readonly lingers = 0
  private readonly options: HttpProbeOptions
  private readonly request: string
  private readonly answer: HttpAnswer
  private heard = false

  constructor(options: HttpProbeOptions, request: string) {
    this.options = options
    this.request = request
    this.answer = new HttpAnswer(options.body)
  }

  opened(socket: Socket): null {
    socket.write(this.request)
    return null
  }

  received(bytes: Buffer, elapsed: number): Finding | null {
    this.heard = true
    const { answer } = this
    switch (answer.push(bytes)) {
      case 'more':
        // An unexpected status decides by itself, whatever the body would have said.
        return answer.status > 0 && !this.expected(answer.status) ? this.judge(elapsed) : null
      case 'invalid':
        return failed(null, `the answer is not valid HTTP: ${answer.problem}`)
      case 'complete':
        return this.judge(elapsed)
    }
  }

  closed(detail: string, failure: FailureKind): Finding {
    if (!this.heard) return failed(failure, `${detail} before any answer`)
    if (this.answer.endsWithClose) return this.withoutMatch('the body')
    return failed('truncated', 'the answer was cut short')
  }

  unanswered(timeout: number): Finding {
    // Part of an answer is a sign of life: unfit, but no hang.
    return this.heard
      ? failed(null, `the answer was not complete within ${timeout} ms`)
      : failed('timeout', `no answer within ${timeout} ms`)
  }

  private judge(elapsed: number): Finding {
    const { status, closes, match } = this.answer
    const took = `${status} in ${Math.round(elapsed)} ms`
    if (!this.expected(status)) {
      // We asked to keep the connection, so a 503 that closes it is a server that wants to be left (rule R6).
      if (status === 503 && closes) return { verdict: 'leaving', failure: null, detail: `${took}, it is shutting down` }
      return failed(null, `${took}, expected ${describeRanges(this.options.expect)}`)
    }
    if (match === 'missing') return this.withoutMatch('the body')
    if (match === 'beyond-limit') return this.withoutMatch('the first 64 KiB of the body')
    return { verdict: 'pass', failure: null, detail: took }
  }

  private withoutMatch(where: string): Finding {
    return failed(null, `${this.answer.status}, but ${where} does not contain ${JSON.stringify(this.options.body)}`)
  }

  private expected(status: number): boolean {
    return this.options.expect.some(({ from, to }) => status >= from && status <= to)
  }
}

/** Keep-alive although the connection is closed right after: to `close` every server answers `close`, and R6 is blind. */
function requestTo(target: ProbeTarget, { path, version }: HttpProbeOptions): string {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${authority(target)}`,
    `User-Agent: understudy-probe/${version}`,
    'Accept: */*',
    'Connection: keep-alive',
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

function authority({ host, port, socketPath, tls }: ProbeTarget): string {
  const name = tls?.serverName ?? host
  if (socketPath !== undefined) return name || 'localhost'
  const shown = isIPv6(name) ? `[${name}]` : name
  return port === (tls ? 443 : 80) ? shown : `${shown}:${port}`
}

function describeRanges(ranges: readonly StatusRange[]): string {
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', ')
}
