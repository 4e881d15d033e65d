/** GETs a path: the probe that proves an application alive. Reads no more of the answer than the verdict needs. */
import type { Socket } from 'node:net'
import type { Finding } from './attempt.ts'
import { failed, leaving, passed } from './attempt.ts'
import type { Conversation } from './conversation.ts'
import { converse } from './conversation.ts'
import { HttpAnswer } from './http-answer.ts'
import type { Probe, ProbeTarget } from './probe.ts'
import { authorityOf } from './probe.ts'

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
  private readonly options: HttpProbeOptions
  private readonly request: string
  private readonly answer: HttpAnswer

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

  closed(): Finding | null {
    return this.answer.endsWithClose ? this.withoutMatch('the body') : null
  }

  private judge(elapsed: number): Finding {
    const { status, closes, match } = this.answer
    const took = `${status} in ${Math.round(elapsed)} ms`
    if (!this.expected(status)) {
      // We asked to keep the connection, so a 503 that closes it is a server that wants to be left (rule R6).
      if (status === 503 && closes) return leaving(`${took}, it is shutting down`)
      return failed(null, `${took}, expected ${describeRanges(this.options.expect)}`)
    }
    if (match === 'missing') return this.withoutMatch('the body')
    if (match === 'beyond-limit') return this.withoutMatch('the first 64 KiB of the body')
    return passed(took)
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
    `Host: ${authorityOf(target)}`,
    `User-Agent: understudy-probe/${version}`,
    'Accept: */*',
    'Connection: keep-alive',
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

function describeRanges(ranges: readonly StatusRange[]): string {
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', ')
}
