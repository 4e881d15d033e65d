// The seams at which an origin can misbehave. A misbehaviour fills in the few it needs; everything absent is normal.
// One file a misbehaviour, in misbehaviour/ (the model is toxiproxy).
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export type ShopRequest = {
  readonly id: string
  /** Who was asked. */
  readonly origin: string
  readonly method: string
  /** Path without the query. */
  readonly path: string
  readonly isHealth: boolean
}

/** What a misbehaviour may do to the origin when it begins. */
export type OriginControl = {
  readonly server: Server
  readonly sockets: ReadonlySet<Socket>
  /** Opens the listening socket again on the same port, if it is closed. */
  listen(): Promise<void>
  /** Closes the listening socket only; established connections live on. */
  stopListening(): void
  exitWhenIdle(): void
}

export type Behaviour = {
  readonly begin?: (origin: OriginControl) => void | Promise<void>
  readonly onConnection?: (socket: Socket) => void
  /** A status to answer instead of executing, or null. */
  readonly refuse?: (request: ShopRequest) => number | null
  /** Asked for executed requests only, so never for the health path. */
  readonly leastDelayMs?: (request: ShopRequest) => number
  readonly closesAfterAnswer?: boolean
  /** How an executed request's answer is written; the head is not yet sent. */
  readonly send?: (response: ServerResponse, payload: Buffer) => void
}
