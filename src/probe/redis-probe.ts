/**
 * PINGs a Redis, or whatever else speaks its protocol (RESP). Knows no password: a server that asks for one is alive.
 * On demand also asks for the role, because a replica answers PING as readily as a primary and then refuses writes.
 */
import type { Socket } from 'node:net'
import type { Finding } from './attempt.ts'
import { failed, passed } from './attempt.ts'
import type { Conversation } from './conversation.ts'
import { converse } from './conversation.ts'
import type { Probe } from './probe.ts'
import { quotation } from './quotation.ts'

export type RedisProbeOptions = Readonly<{ role: 'any' | 'primary' }>

const PING = '*1\r\n$4\r\nPING\r\n'
const ROLE = '*1\r\n$4\r\nROLE\r\n'
const CRLF = '\r\n'
const MAX_LINE = 1_024

export function redisProbe(options: RedisProbeOptions): Probe {
  return (target, limits, done) => converse(target, limits, new RedisConversation(options), done)
}

class RedisConversation implements Conversation {
  private readonly asksRole: boolean
  private unread: Buffer = Buffer.alloc(0)
  /** What PING was answered with, once it is known. */
  private pong: string | null = null

  constructor({ role }: RedisProbeOptions) {
    this.asksRole = role === 'primary'
  }

  opened(socket: Socket): null {
    socket.write(this.asksRole ? PING + ROLE : PING)
    return null
  }

  received(bytes: Buffer, elapsed: number): Finding | null {
    this.unread = Buffer.concat([this.unread, bytes])
    if (this.pong === null) {
      const finding = this.readPong(elapsed)
      if (finding || this.pong === null) return finding
    }
    return this.readRole(this.pong)
  }

  private readPong(elapsed: number): Finding | null {
    const reply = this.readLine('+-')
    if (typeof reply !== 'string') return reply
    if (isRefusal(reply)) this.pong = `alive, but ${quotation(reply.slice(1))}`
    else if (reply === '+PONG') this.pong = `PONG in ${Math.round(elapsed)} ms`
    else if (reply.startsWith('-')) return failed(null, quotation(reply.slice(1)))
    else return failed(null, `answers PING with ${JSON.stringify(quotation(reply.slice(1)))}`)
    return this.asksRole ? null : passed(this.pong)
  }

  /** The role is the first element of an array; what follows is not waited for. */
  private readRole(pong: string): Finding | null {
    const start = this.unread
    const header = this.readLine('*-')
    if (typeof header !== 'string') return header
    if (header.startsWith('-')) return failed(null, `its role cannot be seen: ${quotation(header.slice(1))}`)
    const length = this.readLine('$')
    const name = typeof length === 'string' ? this.readLine('') : length
    if (name === null) this.unread = start
    if (typeof name !== 'string') return name
    if (!/^\*[1-9]\d?$/.test(header) || length !== `$${name.length}`) return invalid('its role is malformed')
    if (name === 'master') return passed(`${pong}, primary`)
    return failed(null, name === 'slave' ? 'is a replica' : `is no primary: ${JSON.stringify(quotation(name))}`)
  }

  /** Null: not there yet. `first`: what the line may begin with; '' for anything. */
  private readLine(first: string): string | Finding | null {
    if (this.unread.length === 0) return null
    if (first !== '' && !first.includes(this.unread.toString('latin1', 0, 1))) return invalid('its type is unexpected')
    const end = this.unread.indexOf(CRLF)
    if (end > MAX_LINE || (end < 0 && this.unread.length > MAX_LINE)) return invalid('a line is over 1 KiB')
    if (end < 0) return null
    const line = this.unread.toString('latin1', 0, end)
    this.unread = this.unread.subarray(end + CRLF.length)
    return line
  }
}

/** Not welcome without a password, or with these rights: says so itself, so it is alive. */
const isRefusal = (reply: string): boolean => /^-(NOAUTH|NOPERM)\b/.test(reply)

const invalid = (why: string): Finding => failed(null, `the answer is not valid RESP: ${why}`)
