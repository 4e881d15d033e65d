/** The head of a request (RFC 9112 §3), read strictly: one meaning or a refusal, never a repair. */
import { FIELD, Fields, isToken, listMembers, parseLength } from './fields.ts'
import type { HeadLimits } from './limits.ts'

/** Why a request is refused: status for the client, and a sentence that names the place. */
export type Refusal = Readonly<{ status: 400 | 408 | 413 | 414 | 417 | 431 | 501 | 505; reason: string }>

export type BodyKind = 'none' | 'length' | 'chunked' | 'close'

const bad = (reason: string): Refusal => ({ status: 400, reason })

/** Fields that `Connection` may not nominate: dropping them would change what the request means (or who made it). */
const PROTECTED = new Set(['host', 'content-length', 'transfer-encoding', 'authorization', 'cookie', 'forwarded'])
const PROTECTED_PREFIXES = ['x-forwarded-', 'client-cert', 'understudy-']
/** Nominations that are dropped anyway. */
const STANDARD_NOMINATIONS = new Set(['close', 'keep-alive', 'upgrade', 'te'])

/** Reused for every request of a connection. */
export class RequestHead {
  readonly fields = new Fields()
  method = ''
  /** As it is sent on: origin-form, or `*`. */
  target = ''
  /** Minor version: HTTP/1.0 or HTTP/1.1. */
  minor: 0 | 1 = 1
  host = ''
  hasHost = false
  /** Of an earlier request on the connection: found to be well formed. */
  private knownHost = ''
  body: BodyKind = 'none'
  length = 0
  /** How many Content-Length fields came; more than one are collapsed. */
  lengths = 0
  keepAlive = true
  expectsContinue = false
  /** The client asked for this protocol (only `websocket` is passed on), else ''. */
  upgrade = ''
  requestId = ''
  idempotencyKey = false
  /** Names (lower case) that `Connection` nominated for removal. */
  nominated: readonly string[] = NONE

  /** `text`: the whole head as latin1, up to and including the empty line. */
  parse(text: string, limits: HeadLimits): Refusal | null {
    const lineEnd = text.indexOf('\r\n')
    return this.parseLine(text, lineEnd, limits) ?? this.parseFields(text, lineEnd + 2, limits) ?? this.checkTarget()
  }

  private parseLine(text: string, lineEnd: number, limits: HeadLimits): Refusal | null {
    const methodEnd = text.indexOf(' ')
    if (methodEnd <= 0 || methodEnd > lineEnd) return bad('malformed request line')
    const targetEnd = text.indexOf(' ', methodEnd + 1)
    if (targetEnd < 0 || targetEnd > lineEnd) return bad('malformed request line')
    this.method = text.slice(0, methodEnd)
    this.target = text.slice(methodEnd + 1, targetEnd)
    if (!isToken(this.method)) return bad('malformed method')
    if (this.target.length > limits.targetBytes)
      return { status: 414, reason: `target over ${limits.targetBytes} bytes` }
    const version = text.slice(targetEnd + 1, lineEnd)
    if (version === 'HTTP/1.1') this.minor = 1
    else if (version === 'HTTP/1.0') this.minor = 0
    else if (/^HTTP\/[0-9]\.[0-9]$/.test(version)) return { status: 505, reason: `${version} is not supported` }
    else return bad('malformed version')
    return isTarget(this.target) ? null : bad('malformed target')
  }

  private parseFields(text: string, at: number, limits: HeadLimits): Refusal | null {
    const problem = this.fields.scan(text, at, limits.fields)
    if (problem === 'too many fields') return { status: 431, reason: `more than ${limits.fields} fields` }
    if (problem) return bad(problem)
    this.reset()
    let offered = ''
    let requestIds = 0
    let upgradeNominated = false
    for (let i = 0; i < this.fields.count; i++) {
      switch (this.fields.kind(i)) {
        case FIELD.ORDINARY:
          break
        case FIELD.HOST:
          if (this.hasHost) return bad('more than one Host')
          this.hasHost = true
          this.host = this.fields.value(i)
          break
        case FIELD.CONTENT_LENGTH: {
          const length = parseLength(this.fields.value(i))
          if (length === null) return bad('malformed Content-Length')
          if (this.lengths++ > 0 && length !== this.length) return bad('different values of Content-Length')
          this.length = length
          break
        }
        case FIELD.TRANSFER_ENCODING: {
          const refusal = this.readTransferEncoding(this.fields.value(i))
          if (refusal) return refusal
          break
        }
        case FIELD.CONNECTION:
          upgradeNominated = this.readConnection(this.fields.value(i)) || upgradeNominated
          break
        case FIELD.UPGRADE:
          offered = offered === '' ? this.fields.value(i) : `${offered},${this.fields.value(i)}`
          break
        case FIELD.EXPECT:
          if (this.fields.value(i).toLowerCase() !== '100-continue')
            return { status: 417, reason: 'unknown expectation' }
          this.expectsContinue = this.minor === 1
          break
        case FIELD.REQUEST_ID:
          // Two ids are none: a new one is made.
          this.requestId = requestIds++ === 0 ? this.fields.value(i) : ''
          break
        case FIELD.IDEMPOTENCY_KEY:
          this.idempotencyKey = true
          break
      }
    }
    if (this.lengths > 0) {
      if (this.body === 'chunked') return bad('both Content-Length and Transfer-Encoding')
      this.body = this.length > 0 ? 'length' : 'none'
    }
    if (upgradeNominated && offered !== '') this.readUpgrade(offered)
    return null
  }

  private reset(): void {
    this.host = ''
    this.hasHost = false
    this.body = 'none'
    this.length = 0
    this.lengths = 0
    this.keepAlive = this.minor === 1
    this.expectsContinue = false
    this.upgrade = ''
    this.requestId = ''
    this.idempotencyKey = false
    this.nominated = NONE
  }

  private readTransferEncoding(value: string): Refusal | null {
    const codings = listMembers(value)
    if (codings.length === 1 && codings[0] === 'chunked' && value.length === 'chunked'.length) {
      if (this.minor === 0) return bad('Transfer-Encoding in HTTP/1.0')
      if (this.body === 'chunked') return bad('more than one Transfer-Encoding')
      this.body = 'chunked'
      return null
    }
    const unknown = codings.some((coding) => coding !== 'chunked' && coding !== 'identity')
    const plain = codings.length > 0 && codings.every(isToken)
    if (unknown && plain) return { status: 501, reason: 'unknown transfer coding' }
    return bad('malformed Transfer-Encoding')
  }

  /** Returns whether it nominates `upgrade`. */
  private readConnection(value: string): boolean {
    if (value === 'keep-alive' || value === 'Keep-Alive') {
      // HTTP/1.1 keeps alive anyway, and a `close` before it is final.
      if (this.minor === 0) this.keepAlive = true
      return false
    }
    let upgrade = false
    for (const option of listMembers(value)) {
      if (option === 'close') this.keepAlive = false
      else if (option === 'upgrade') upgrade = true
      else if (option === 'keep-alive') this.keepAlive = this.minor === 0 ? true : this.keepAlive
      else if (!STANDARD_NOMINATIONS.has(option) && !isProtected(option)) this.nominated = [...this.nominated, option]
    }
    return upgrade
  }

  private readUpgrade(offered: string): void {
    // Only a request that can do without the upgrade's failure is passed on with it: never h2c (request smuggling).
    const plain = this.minor === 1 && this.method === 'GET' && this.body === 'none'
    if (plain && listMembers(offered).includes('websocket')) this.upgrade = 'websocket'
  }

  private checkTarget(): Refusal | null {
    if (this.method === 'CONNECT') return { status: 501, reason: 'CONNECT is not supported' }
    if (!this.hasHost && this.minor === 1) return bad('no Host')
    if (this.hasHost && this.host !== this.knownHost) {
      if (this.host !== '' && !isAuthority(this.host)) return bad('malformed Host')
      this.knownHost = this.host
    }
    if (this.target.charCodeAt(0) === 0x2f) return null
    if (this.target === '*') return this.method === 'OPTIONS' ? null : bad('target * is for OPTIONS only')
    return this.readAbsoluteTarget()
  }

  /** RFC 9112 §3.2.2: must name the same authority as Host, and is sent on in origin-form. */
  private readAbsoluteTarget(): Refusal | null {
    const match = /^https?:\/\/([^/?]+)(\/[^?]*)?(\?.*)?$/i.exec(this.target)
    if (!match) return bad('malformed target')
    const authority = match[1] ?? ''
    if (!isAuthority(authority)) return bad('malformed authority in the target')
    if (this.hasHost && authority.toLowerCase() !== this.host.toLowerCase()) return bad('target and Host differ')
    this.host = authority
    this.target = `${match[2] ?? '/'}${match[3] ?? ''}`
    return null
  }
}

const NONE: readonly string[] = Object.freeze([])

function isProtected(name: string): boolean {
  return PROTECTED.has(name) || PROTECTED_PREFIXES.some((prefix) => name.startsWith(prefix))
}

/** Visible ASCII only, and no fragment: it never belongs in a request. */
function isTarget(target: string): boolean {
  for (let i = 0; i < target.length; i++) {
    const code = target.charCodeAt(i)
    if (code <= 0x20 || code >= 0x7f || code === 0x23) return false
  }
  return target.length > 0
}

/** host [":" port] (RFC 3986 §3.2.2) without userinfo: reg-name, IPv4 or bracketed IPv6. */
export function isAuthority(text: string): boolean {
  const match = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+,;=]+)(?::([0-9]{0,5}))?$/.exec(text)
  return match !== null && Number(match[1] ?? '0') <= 65_535
}
