/**
 * Accepts the connections of one listener, within limits, and hands them over once they are in: at once, or by way of
 * PROXY header, ClientHello and TLS handshake (entrance.ts). What becomes of them afterwards is the listener's business.
 */
import type net from 'node:net'
import type { Allowance } from '../core/allowance.ts'
import { AddressLimit } from './address-limit.ts'
import type { Arrival, Endpoint } from './arrival.ts'
import { plainAddress } from './endpoint.ts'
import type { EntranceOwner, EntranceSteps, TurnedAway } from './entrance.ts'
import { Entrance } from './entrance.ts'
import type { BoundTo, Listening } from './listening-sockets.ts'
import { ListeningSockets } from './listening-sockets.ts'
import { Roster } from './roster.ts'
import { removeStaleSocket } from './stale-socket.ts'

export type AcceptorOptions = EntranceSteps &
  Listening &
  Readonly<{
    name: string
    /** At the same time, those on their way in included. */
    connections: Allowance
    /** Of one client at the same time, by its PROXY header if it brought one. 0: no limit. Not for unix sockets. */
    connectionsPerAddress: number
    /** Connections on their way in at the same time. */
    handshakes: number
    /** Whether a PROXY header from this peer is believed. A peer that is not must bring none. */
    trustsProxy(address: string): boolean
    onArrival(arrival: Arrival): void
    /** A connection could not be accepted (no file descriptors left, for one). The listener goes on. */
    onError(error: Error): void
  }>

const UNIX: Endpoint = { address: 'unix', port: 0 }

export class Acceptor implements EntranceOwner {
  readonly name: string
  /** Connections that were closed instead of handed over, by reason. */
  readonly turnedAway: Record<TurnedAway, number> = {
    connections: 0,
    address: 0,
    handshakes: 0,
    proxyHeader: 0,
    handshake: 0,
    timeout: 0,
  }
  private readonly options: AcceptorOptions
  private readonly sockets: ListeningSockets
  private readonly addresses: AddressLimit
  private readonly entrances = new Roster<'enteredAt', Entrance>('enteredAt')
  private arrived = 0
  private stopping = false
  private readonly noneIsComing = Promise.withResolvers<void>()

  constructor(options: AcceptorOptions) {
    const { proxyProtocol, readServerName, readPreface, tls } = options
    this.options = options
    this.name = options.name
    this.addresses = new AddressLimit(options.connectionsPerAddress)
    const direct = proxyProtocol === 'off' && !readServerName && !readPreface && tls === null
    this.sockets = new ListeningSockets(options, direct, {
      onConnection: (socket) => this.accept(socket),
      onError: options.onError,
    })
  }

  /** Handed over and not departed, and those on their way in. */
  get open(): number {
    return this.arrived + this.entrances.size
  }

  /** Rejects with the system's error when the address cannot be had. */
  async listen(): Promise<BoundTo> {
    const { listen } = this.options
    try {
      return await this.sockets.listen()
    } catch (error) {
      if (listen.kind !== 'unix' || !(await removeStaleSocket(listen.path))) throw error
      return await this.sockets.listen()
    }
  }

  /** The connection of this arrival has ended. Once for each: the socket itself does not tell when its handle was moved. */
  departed(arrival: Arrival): void {
    this.arrived--
    this.options.connections.giveBack(1)
    this.release(arrival.client.address)
  }

  /** Those on their way in still arrive, or do not; resolves when none of them is left. */
  stopAccepting(): Promise<void> {
    this.sockets.close()
    this.stopping = true
    this.noteLeft()
    return this.noneIsComing.promise
  }

  /** Breaks off those on their way in too. The ones handed over are the listener's to end. */
  kill(): void {
    this.sockets.close()
    this.entrances.each((entrance) => entrance.cancel())
  }

  private accept(socket: net.Socket): void {
    const { options } = this
    if (!options.connections.take(1)) return this.turnAway(socket, 'connections')
    const unix = options.listen.kind === 'unix'
    const client = unix ? UNIX : endpointOf(socket.remoteAddress, socket.remotePort)
    // Where others are in as soon as they are there.
    if (!this.sockets.adoptable) return this.letIn(socket, client, unix ? UNIX : localOf(socket))
    if (!this.take(client.address)) return this.refuse(socket, 'address')
    this.arrived++
    options.onArrival(new DirectArrival(socket, client))
  }

  private letIn(socket: net.Socket, client: Endpoint, local: Endpoint): void {
    const { proxyProtocol, handshakes, trustsProxy } = this.options
    const headerBelieved = proxyProtocol !== 'off' && trustsProxy(client.address)
    const headerRequired = proxyProtocol !== 'off' && proxyProtocol !== 'optional'
    if (headerRequired && !headerBelieved) return this.refuse(socket, 'proxyHeader')
    if (this.entrances.size >= handshakes) return this.refuse(socket, 'handshakes')
    // A proxy's own address says nothing about its clients, who would all share one limit.
    if (!headerBelieved && !this.take(client.address)) return this.refuse(socket, 'address')
    const entrance = new Entrance(socket, { client, local, headerBelieved }, this.options, this)
    if (!headerBelieved) entrance.countsFor = client.address
    this.entrances.add(entrance)
    entrance.begin()
  }

  admits(entrance: Entrance): boolean {
    if (entrance.countsFor !== null) return true
    const { address } = entrance.client
    if (!this.take(address)) return false
    entrance.countsFor = address
    return true
  }

  onArrived(entrance: Entrance, arrival: Arrival): void {
    this.arrived++
    this.entrances.remove(entrance)
    this.options.onArrival(arrival)
    this.noteLeft()
  }

  onTurnedAway(entrance: Entrance, reason: TurnedAway | null): void {
    this.entrances.remove(entrance)
    this.options.connections.giveBack(1)
    if (reason !== null) this.turnedAway[reason]++
    if (entrance.countsFor !== null) this.release(entrance.countsFor)
    this.noteLeft()
  }

  private noteLeft(): void {
    if (this.stopping && this.entrances.size === 0) this.noneIsComing.resolve()
  }

  private refuse(socket: net.Socket, reason: TurnedAway): void {
    this.options.connections.giveBack(1)
    this.turnAway(socket, reason)
  }

  private turnAway(socket: net.Socket, reason: TurnedAway): void {
    this.turnedAway[reason]++
    socket.destroy()
  }

  /** All clients of a unix socket look the same. */
  private take(address: string): boolean {
    return address === UNIX.address || this.addresses.take(address)
  }

  private release(address: string): void {
    if (address !== UNIX.address) this.addresses.giveBack(address)
  }
}

/** Finds out where the client connected to when it is asked: that costs a system call, and few ask. */
class DirectArrival implements Arrival {
  readonly secure = false
  readonly protocol = ''
  readonly serverName = ''
  readonly certificate = null
  readonly socket: net.Socket
  readonly client: Endpoint

  constructor(socket: net.Socket, client: Endpoint) {
    this.socket = socket
    this.client = client
  }

  get local(): Endpoint {
    return this.client === UNIX ? UNIX : localOf(this.socket)
  }
}

const localOf = (socket: net.Socket): Endpoint => endpointOf(socket.localAddress, socket.localPort)

/** A peer that has left already has no address any more. */
const endpointOf = (address: string | undefined, port: number | undefined): Endpoint => ({
  address: plainAddress(address ?? 'unknown'),
  port: port ?? 0,
})
