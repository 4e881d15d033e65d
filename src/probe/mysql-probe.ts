/**
 * Waits for the greeting of a MySQL or MariaDB, tries to log in without a password, and leaves. The login is there for
 * one reason: a server blocks a host that hangs up on its greetings (`max_connect_errors`), probes and clients alike. A
 * login that is refused does not count there.
 */
import type { Socket } from 'node:net'
import type { Finding } from './attempt.ts'
import { failed, passed } from './attempt.ts'
import type { Conversation } from './conversation.ts'
import { converse } from './conversation.ts'
import type { Probe } from './probe.ts'
import { quotation } from './quotation.ts'

/** `user`: best one that exists, has no password and may do nothing: then no refused logins are in the server's log. */
export type MysqlProbeOptions = Readonly<{ user: string }>

const MAX_PACKET = 4_096
const PROTOCOL_10 = 10
const OK = 0x00
const AUTH_MORE = 0x01
const AUTH_SWITCH = 0xfe
const ERR = 0xff
const COM_QUIT = Buffer.of(0x01)
/** Long passwords, protocol 4.1, secure connection, plugin authentication. */
const CAPABILITIES = 0x00_08_82_01
const LARGEST = 0x01_00_00_00
const UTF8MB4 = 45
/** In the greeting, after the version: thread (4), challenge (8), filler (1), capabilities (2). */
const AFTER_VERSION = 15
/** And behind those: character set (1), status (2), capabilities (2), length of the challenge (1), reserved (10). */
const BEFORE_CHALLENGE = 16

/** Refusals that are about us and take a server that works. */
const ACCESS_DENIED = /^#28/
/** More of them: database, limits of this user, means of logging in, expired password, TLS required, locked account. */
const UNWELCOME = new Set([1044, 1049, 1203, 1226, 1251, 1524, 1820, 1862, 2049, 3118, 3159, 4151])

type Packet = Readonly<{ sequence: number; body: Buffer }>

export function mysqlProbe(options: MysqlProbeOptions): Probe {
  return (target, limits, done) => converse(target, limits, new MysqlConversation(options), done)
}

class MysqlConversation implements Conversation {
  private readonly user: string
  private socket: Socket | null = null
  private unread: Buffer = Buffer.alloc(0)
  /** Of the greeting, once it is here. */
  private version: string | null = null
  private switched = false
  private loggedIn = false

  constructor({ user }: MysqlProbeOptions) {
    this.user = user
  }

  /** The server speaks first. */
  opened(socket: Socket): null {
    this.socket = socket
    return null
  }

  received(bytes: Buffer, elapsed: number): Finding | null {
    this.unread = Buffer.concat([this.unread, bytes])
    const packet = this.next()
    if (packet === null || 'verdict' in packet) return packet
    const { version } = this
    const finding = version === null ? this.greet(packet.body) : this.judge(packet.body, version, elapsed)
    if (finding) return finding
    // It would be taken for the answer to what was not said yet.
    if (this.unread.length > 0) return invalid('it goes on without waiting for its client')
    this.answer(packet)
    return null
  }

  goodbye(): Buffer {
    return this.loggedIn ? packetOf(0, COM_QUIT) : Buffer.alloc(0)
  }

  /** Null: not there yet. */
  private next(): Packet | Finding | null {
    if (this.unread.length < 4) return null
    const length = this.unread.readUIntLE(0, 3)
    const sequence = this.unread.readUInt8(3)
    if (length === 0 || length > MAX_PACKET) return invalid('the length of a packet is out of range')
    if (this.unread.length < 4 + length) return null
    const body = this.unread.subarray(4, 4 + length)
    this.unread = this.unread.subarray(4 + length)
    return { sequence, body }
  }

  private greet(body: Buffer): Finding | null {
    if (body[0] === ERR) return judgeError(body, null)
    if (body[0] !== PROTOCOL_10) return invalid('its protocol is unknown')
    const end = body.indexOf(0, 1)
    if (end < 2 || body.length < end + 1 + AFTER_VERSION) return invalid('its greeting is malformed')
    this.version = quotation(body.toString('latin1', 1, end))
    return null
  }

  private judge(body: Buffer, version: string, elapsed: number): Finding | null {
    const took = `${version} in ${Math.round(elapsed)} ms`
    switch (body[0]) {
      case OK:
        this.loggedIn = true
        return passed(took)
      case ERR:
        return judgeError(body, took)
      case AUTH_SWITCH:
        return this.switched ? invalid('it does not decide how to log in') : null
      case AUTH_MORE:
        // It wants something that only one who has a password can give.
        return passed(`${took}, asks for a password`)
      default:
        return invalid('a packet is of an unexpected type')
    }
  }

  /** To the greeting: a login. To the demand to log in by other means: no password by these means either. */
  private answer({ sequence, body }: Packet): void {
    this.switched = body[0] === AUTH_SWITCH
    const said = this.switched ? Buffer.alloc(0) : login(this.user, pluginIn(body))
    this.socket?.write(packetOf((sequence + 1) % 256, said))
  }
}

/** `took`: null for an error in place of the greeting. */
function judgeError(body: Buffer, took: string | null): Finding {
  if (body.length < 3) return invalid('an error is malformed')
  const code = body.readUInt16LE(1)
  const text = body.toString('utf8', 3)
  const shown = quotation(`${text.replace(/^#[0-9A-Z]{5}/, '') || 'error'} (${code})`)
  const unwelcome = took !== null && (ACCESS_DENIED.test(text) || UNWELCOME.has(code))
  return unwelcome ? passed(`${took}, but ${shown}`) : failed(null, shown)
}

/** The means of logging in that the greeting names: another one would be answered with a demand to switch. */
function pluginIn(greeting: Buffer): Buffer {
  const version = greeting.indexOf(0, 1) + 1
  const rest = version + AFTER_VERSION
  if (greeting.length < rest + BEFORE_CHALLENGE) return Buffer.from('mysql_native_password')
  // The challenge has two parts; the first eight bytes are further up, and the second takes 13 at least.
  const start = rest + BEFORE_CHALLENGE + Math.max(13, greeting.readUInt8(rest + 5) - 8)
  const end = greeting.indexOf(0, start)
  return greeting.subarray(start, end < 0 ? greeting.length : end)
}

/** HandshakeResponse41 with an empty answer to the challenge. */
function login(user: string, plugin: Buffer): Buffer {
  const head = Buffer.alloc(32)
  head.writeUInt32LE(CAPABILITIES, 0)
  head.writeUInt32LE(LARGEST, 4)
  head.writeUInt8(UTF8MB4, 8)
  return Buffer.concat([head, Buffer.from(`${user}\0\0`), plugin, Buffer.of(0)])
}

function packetOf(sequence: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4)
  head.writeUIntLE(body.length, 0, 3)
  head.writeUInt8(sequence, 3)
  return Buffer.concat([head, body])
}

function invalid(why: string): Finding {
  return failed(null, `the answer is not valid MySQL: ${why}`)
}
