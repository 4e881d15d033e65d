/**
 * Asks a PostgreSQL for a session (protocol 3.0) without having a password. Whether it lets us in is its own business:
 * a server that asks who we are is one that takes sessions; one that is starting up, shutting down or full says so.
 */
import type { Socket } from 'node:net'
import type { Finding } from './attempt.ts'
import { failed, passed } from './attempt.ts'
import type { Conversation } from './conversation.ts'
import { converse } from './conversation.ts'
import type { Probe } from './probe.ts'
import type { StartTls } from './probe-socket.ts'
import { quotation } from './quotation.ts'

export type PostgresProbeOptions = Readonly<{ user: string; database: string }>

const PROTOCOL_3_0 = 196_608
const SSL_REQUEST = 80_877_103
const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4])
const MAX_MESSAGE = 16_384
/** A session begins with some fifteen; without a bound a server could keep us reading. */
const MAX_MESSAGES = 200

/** 28: it does not know us or wants a password. 3D000: it does not know the database. Both take a server that works. */
const UNWELCOME = /^(28...|3D000)$/

type Message = Readonly<{ type: string; body: Buffer }>

export function postgresProbe(options: PostgresProbeOptions): Probe {
  return (target, limits, done) => converse(target, limits, new PostgresConversation(options), done)
}

const startTls: StartTls = {
  request: Buffer.concat([int32(8), int32(SSL_REQUEST)]),
  answered(bytes) {
    const [answer] = bytes.toString('latin1', 0, 1)
    if (answer === 'N') return failed(null, 'the server does not speak TLS')
    // An error this early comes from nobody whose certificate we have seen: it is not repeated.
    if (answer === 'E') return failed(null, 'the server answers the request for TLS with an error')
    if (answer !== 'S') return invalid('the request for TLS is answered with something else')
    // Whoever is in between could put words into the mouth of the server (CVE-2021-23222).
    return bytes.length > 1 ? invalid('it goes on in clear text after it agreed to TLS') : null
  },
}

class PostgresConversation implements Conversation {
  readonly startTls = startTls
  private readonly options: PostgresProbeOptions
  private unread: Buffer = Buffer.alloc(0)
  private messages = 0
  private accepted = false
  private ready = false

  constructor(options: PostgresProbeOptions) {
    this.options = options
  }

  opened(socket: Socket): null {
    socket.write(startupMessage(this.options))
    return null
  }

  received(bytes: Buffer, elapsed: number): Finding | null {
    this.unread = Buffer.concat([this.unread, bytes])
    while (this.unread.length > 0) {
      const message = this.next()
      if (message === null || 'verdict' in message) return message
      const finding = this.judge(message, elapsed)
      if (finding) return finding
    }
    return null
  }

  /** Only within a session: to a server that waits for a password it would be a violation, and logged as one. */
  goodbye(): Buffer {
    return this.ready ? TERMINATE : Buffer.alloc(0)
  }

  /** Null: not there yet. */
  private next(): Message | Finding | null {
    const type = this.unread.toString('latin1', 0, 1)
    if (!(this.accepted ? 'SKNZE' : 'RNE').includes(type)) return invalid('a message is of an unexpected type')
    if (this.unread.length < 5) return null
    const length = this.unread.readInt32BE(1)
    if (length < 4 || length > MAX_MESSAGE) return invalid('the length of a message is out of range')
    if (++this.messages > MAX_MESSAGES) return invalid('it does not end')
    if (this.unread.length < 1 + length) {
      this.messages--
      return null
    }
    const body = this.unread.subarray(5, 1 + length)
    this.unread = this.unread.subarray(1 + length)
    return { type, body }
  }

  private judge({ type, body }: Message, elapsed: number): Finding | null {
    const took = `in ${Math.round(elapsed)} ms`
    switch (type) {
      case 'E':
        return judgeError(body)
      case 'Z':
        this.ready = true
        return passed(`ready ${took}`)
      case 'R':
        if (body.length < 4) return invalid('a message is too short')
        if (body.readInt32BE(0) !== 0) return passed(`asks for credentials ${took}`)
        // Not the end yet: connections may have run out for anyone but administrators, and it says so only now.
        this.accepted = true
        return null
      default:
        return null
    }
  }
}

function judgeError(body: Buffer): Finding {
  const fields = new Map<string, string>()
  // Each field: its type in one byte, text, NUL. A NUL alone ends them all.
  const parts = body.toString('utf8').split('\0')
  if (parts.length < 3 || parts.at(-1) !== '' || parts.at(-2) !== '') return invalid('an error is malformed')
  for (const part of parts) fields.set(part.slice(0, 1), part.slice(1))
  const state = fields.get('C') ?? ''
  if (!/^[0-9A-Z]{5}$/.test(state)) return invalid('an error is without a code')
  const text = quotation(`${fields.get('M') ?? 'error'} (${state})`)
  return UNWELCOME.test(state) ? passed(`alive, but ${text}`) : failed(null, text)
}

function startupMessage({ user, database }: PostgresProbeOptions): Buffer {
  const pairs = { user, database, application_name: 'understudy-probe' }
  const text = Object.entries(pairs).map(([name, value]) => `${name}\0${value}\0`)
  const rest = Buffer.concat([int32(PROTOCOL_3_0), Buffer.from(`${text.join('')}\0`)])
  return Buffer.concat([int32(rest.length + 4), rest])
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function invalid(why: string): Finding {
  return failed(null, `the answer is not valid PostgreSQL: ${why}`)
}
