/**
 * The way in of one connection that brings more than its own bytes: a PROXY header, a ClientHello to look at, a TLS
 * handshake; in this order, all within one deadline. It ends in an arrival or at the door.
 */
import type net from 'node:net'
import type { Millis } from '../core/time.ts'
import { ms } from '../core/time.ts'
import type { Arrival, Endpoint, ProxyProtocolMode } from './arrival.ts'
import { readClientHello } from './client-hello.ts'
import type { PeekOwner } from './peek.ts'
import { Peek } from './peek.ts'
import { readProxyHeader } from './proxy-protocol.ts'
import { NOWHERE } from './roster.ts'
import type { Secured, ServerTls } from './server-tls.ts'
import type { Sweeper, Swept } from './sweeper.ts'

export type TurnedAway =
  /** As many connections as allowed are open: in all, of one address, on their way in. */
  | 'connections'
  | 'address'
  | 'handshakes'
  /** Missing or malformed, or brought by somebody who is not believed. */
  | 'proxyHeader'
  /** The TLS handshake failed, or what came is no ClientHello. */
  | 'handshake'
  /** Not in before the deadline. */
  | 'timeout'

export type EntranceSteps = Readonly<{
  proxyProtocol: ProxyProtocolMode
  /** Looks at the ClientHello and leaves the connection encrypted. With `tls`, the handshake says the name. */
  readServerName: boolean
  /** A plain connection may begin with HTTP/2 (prior knowledge, RFC 9113 §3.3): looks whether it does. */
  readPreface: boolean
  tls: Pick<ServerTls, 'handshake'> | null
  /** For all of it, in ms. */
  handshakeTimeout: number
  sweeper: Sweeper
}>

export interface EntranceOwner {
  /** The client's address is known from now on. False: it may not have another connection. */
  admits(entrance: Entrance): boolean
  onArrived(entrance: Entrance, arrival: Arrival): void
  /** Null: it left by itself, or is not wanted any more. The socket is destroyed. */
  onTurnedAway(entrance: Entrance, reason: TurnedAway | null): void
}

export type Ends = Readonly<{ client: Endpoint; local: Endpoint }>

export class Entrance implements Swept, PeekOwner {
  sweptAt = NOWHERE
  enteredAt = NOWHERE
  /** The address whose connections it is one of; null until that is known. */
  countsFor: string | null = null
  private readonly socket: net.Socket
  private readonly steps: EntranceSteps
  private readonly owner: EntranceOwner
  private readonly deadline: Millis
  private readonly headerBelieved: boolean
  private ends: Ends
  private peek: Peek | null = null
  private headerPending: boolean
  private headerLength = 0
  private serverName = ''
  private protocol: Arrival['protocol'] = ''
  private over = false

  /** `headerBelieved`: whether its peer may say in a PROXY header whose connection it is. */
  constructor(
    socket: net.Socket,
    from: Ends & { headerBelieved: boolean },
    setup: EntranceSteps,
    owner: EntranceOwner,
  ) {
    this.socket = socket
    this.ends = from
    this.headerBelieved = from.headerBelieved
    this.steps = setup
    this.owner = owner
    this.headerPending = setup.proxyProtocol !== 'off'
    this.deadline = ms(setup.sweeper.clock.now() + setup.handshakeTimeout)
  }

  get client(): Endpoint {
    return this.ends.client
  }

  begin(): void {
    this.steps.sweeper.add(this)
    const { readServerName, readPreface } = this.steps
    if (this.headerPending || readServerName || readPreface) this.peek = new Peek(this.socket, this)
    else this.onDecided()
  }

  /** Not wanted any more. */
  cancel(): void {
    this.turnAway(null)
  }

  onBeginning(bytes: Buffer): number | null {
    if (this.headerPending && !this.readHeader(bytes)) return null
    if (this.steps.readServerName && !this.readHello(bytes)) return null
    return !this.steps.readPreface || this.readPreface(bytes.subarray(this.headerLength)) ? this.headerLength : null
  }

  onCutShort(received: number): void {
    if (received === this.headerLength) this.turnAway(null)
    else this.turnAway(this.headerPending ? 'proxyHeader' : 'handshake')
  }

  onDecided(): void {
    const { tls } = this.steps
    if (tls) tls.handshake(this.socket, (result) => this.onHandshake(result))
    else {
      const { socket, protocol, serverName } = this
      this.arrive({ socket, protocol, serverName, certificate: null }, false)
    }
  }

  sweep(now: Millis): void {
    if (now >= this.deadline) this.turnAway('timeout')
  }

  /** True: done with. */
  private readHeader(bytes: Buffer): boolean {
    const { proxyProtocol } = this.steps
    const read = proxyProtocol === 'off' ? ABSENT : readProxyHeader(bytes, proxyProtocol)
    if (read.state === 'partial') return false
    const accepted =
      read.state === 'complete' ? this.headerBelieved : read.state === 'absent' && proxyProtocol === 'optional'
    if (!accepted) return this.turnAway('proxyHeader')
    if (read.state === 'complete') {
      const { client, local } = this.ends
      this.ends = { client: read.header.source ?? client, local: read.header.destination ?? local }
      this.headerLength = read.next
    }
    this.headerPending = false
    return this.owner.admits(this) || this.turnAway('address')
  }

  /** True: done with. */
  private readHello(bytes: Buffer): boolean {
    const read = readClientHello(bytes.subarray(this.headerLength))
    if (read.state === 'partial') return false
    if (read.state === 'malformed') return this.turnAway('handshake')
    this.serverName = read.serverName
    return true
  }

  /** True: done with. No request of HTTP/1.1 begins like that. */
  private readPreface(bytes: Buffer): boolean {
    const length = Math.min(bytes.length, PREFACE.length)
    if (PREFACE.compare(bytes, 0, length, 0, length) !== 0) return true
    if (bytes.length < PREFACE.length) return false
    this.protocol = 'h2'
    return true
  }

  private onHandshake(result: Secured | Error): void {
    if (result instanceof Error) this.turnAway('handshake')
    else if (this.over) result.socket.destroy()
    else this.arrive(result, true)
  }

  private arrive(result: Omit<Arrival, 'client' | 'local' | 'secure'>, secure: boolean): void {
    this.end()
    const { socket, protocol, serverName, certificate } = result
    const { client, local } = this.ends
    this.owner.onArrived(this, { socket, client, local, secure, protocol, serverName, certificate })
  }

  private turnAway(reason: TurnedAway | null): false {
    if (this.over) return false
    this.end()
    this.socket.destroy()
    this.owner.onTurnedAway(this, reason)
    return false
  }

  private end(): void {
    this.over = true
    this.peek?.stop()
    this.steps.sweeper.remove(this)
  }
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')
const ABSENT = { state: 'absent' } as const
