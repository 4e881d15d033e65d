// The service of the tests, as both sides know it. Messages are JSON in bytes: no compiler, and nothing for gRPC to mind.
import type { MethodDefinition } from '@grpc/grpc-js'

type Method = MethodDefinition<Buffer, Buffer>

const asItIs = (bytes: Buffer): Buffer => bytes

const method = (path: string, requestStream: boolean, responseStream: boolean): Method => ({
  path,
  requestStream,
  responseStream,
  requestSerialize: asItIs,
  requestDeserialize: asItIs,
  responseSerialize: asItIs,
  responseDeserialize: asItIs,
})

/** `Place` takes an Order and answers with a Receipt. `Echo` answers with what it got. */
export const ORDERS = {
  place: method('/shop.v1.Orders/Place', false, false),
  echo: method('/shop.v1.Orders/Echo', false, false),
  /** Tells its origin again and again. */
  watch: method('/shop.v1.Orders/Watch', false, true),
  /** Every message comes back, behind the name of the origin. */
  talk: method('/shop.v1.Orders/Talk', true, true),
  stats: method('/shop.v1.Orders/Stats', false, false),
} as const

export const HEALTH = { check: method('/grpc.health.v1.Health/Check', false, false) } as const

export type Order = {
  readonly id: string
  /** How long it takes. */
  readonly ms?: number
  /** Fails with FAILED_PRECONDITION. */
  readonly fails?: boolean
}

export type Receipt = {
  readonly origin: string
  readonly id: string
  /** What came as metadata `tea`. */
  readonly tea: readonly string[]
  /** The client’s deadline got here. */
  readonly hasDeadline: boolean
}

/** Calls of `Watch` and `Place` that the client took back. */
export type Stats = { readonly cancelled: number }

export const encode = (message: Order | Receipt | Stats): Buffer => Buffer.from(JSON.stringify(message))
export const decode = <T>(bytes: Buffer): T => JSON.parse(bytes.toString()) as T
