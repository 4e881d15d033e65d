/** Waits for the greeting of a mail server (RFC 5321), says EHLO, and leaves with QUIT. Sends no mail. */
import type { Socket } from 'node:net'
import type { Finding } from './attempt.ts'
import { failed, leaving, passed } from './attempt.ts'
import type { Conversation } from './conversation.ts'
import { converse } from './conversation.ts'
import type { Probe } from './probe.ts'
import { quotation } from './quotation.ts'

/** `hello`: how we introduce ourselves. */
export type SmtpProbeOptions = Readonly<{ hello: string }>

const CRLF = '\r\n'
/** RFC 5321 §4.5.3.1.5 allows 512 bytes a line, and not all servers keep to it. */
const MAX_REPLY = 16_384
const LINE = /^([2-5]\d\d)(?:([ -])[\t\x20-\x7e\x80-\xff]*)?$/

export function smtpProbe(options: SmtpProbeOptions): Probe {
  return (target, limits, done) => converse(target, limits, new SmtpConversation(options), done)
}

class SmtpConversation implements Conversation {
  private readonly hello: string
  private socket: Socket | null = null
  private unread: Buffer = Buffer.alloc(0)
  private greeted = false
  private understood = true

  constructor({ hello }: SmtpProbeOptions) {
    this.hello = hello
  }

  /** The server speaks first. */
  opened(socket: Socket): null {
    this.socket = socket
    return null
  }

  received(bytes: Buffer, elapsed: number): Finding | null {
    this.unread = Buffer.concat([this.unread, bytes])
    const reply = this.readReply()
    if (typeof reply !== 'string') return reply
    const expected = this.greeted ? '250' : '220'
    const text = quotation(reply)
    if (reply.startsWith('421')) return leaving(text)
    if (!reply.startsWith(expected)) return failed(null, text || 'an empty reply')
    if (this.greeted) return passed(`${expected} in ${Math.round(elapsed)} ms`)
    // A reply to a command that was not sent yet would be taken for the one to EHLO.
    if (this.unread.length > 0) return this.invalid('it says more than its greeting')
    this.greeted = true
    this.socket?.write(`EHLO ${this.hello}${CRLF}`)
    return null
  }

  /** Not to one that says no SMTP. After a refusal, too: only QUIT ends a session (RFC 5321 §3.1). */
  goodbye(): Buffer | null {
    return this.understood ? Buffer.from(`QUIT${CRLF}`) : null
  }

  /** The first line of a reply whose last line has arrived. Null: it has not. */
  private readReply(): string | Finding | null {
    let at = 0
    let first: string | null = null
    for (;;) {
      const end = this.unread.indexOf(CRLF, at)
      if (end > MAX_REPLY || (end < 0 && this.unread.length > MAX_REPLY)) return this.invalid('it is over 16 KiB')
      if (end < 0) return this.looksWrong(at) ? this.invalid('it does not begin with a code') : null
      const line = this.unread.toString('latin1', at, end)
      const [, code, separator] = LINE.exec(line) ?? []
      if (code === undefined) return this.invalid('a line is malformed')
      first ??= line
      if (!first.startsWith(code)) return this.invalid('its lines have different codes')
      at = end + CRLF.length
      if (separator === '-') continue
      this.unread = this.unread.subarray(at)
      return first
    }
  }

  /** No SMTP at all: no need to wait for the end of a line that will never come. */
  private looksWrong(at: number): boolean {
    return !/^(?:[2-5]?|[2-5]\d{1,2}|[2-5]\d\d[ \r-])$/.test(this.unread.toString('latin1', at, at + 4))
  }

  private invalid(why: string): Finding {
    this.understood = false
    return failed(null, `the answer is not valid SMTP: ${why}`)
  }
}
