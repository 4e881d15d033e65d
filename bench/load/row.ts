// What is known of one request of the load, in the generator's own words. All moments are monotonic milliseconds.

export type LoadError =
  | 'refused' // no connection
  | 'reset' // the connection broke before an answer
  | 'closed' // the connection was closed cleanly before an answer
  | 'truncated' // the answer stopped half way
  | 'timeout'
  | 'status' // a complete answer that is not 2xx
  | 'wrong-answer' // 2xx, but not the answer to this request
  | 'protocol' // not HTTP
  | 'overload' // the generator itself had no room; says nothing about the proxy
  | 'keepalive-race' // never sent: see connection.ts

export type Row = {
  readonly id: string
  readonly method: string
  readonly path: string
  /** One of the honest slow requests, whose latency is meant. */
  readonly slow: boolean
  /** When it should have been sent; latency counts from here, so a stalled generator cannot hide a stall. */
  readonly due: number
  readonly start: number
  readonly end: number
  readonly status: number
  readonly error: LoadError | null
  /** An error answer that is the application's own and that the scenario expects; `error` is then null. */
  readonly tolerated?: boolean
  readonly origin: string | null
  /** What the application itself took by its own account; 0 without an answer. */
  readonly thinkMs: number
  readonly reusedConnection: boolean
}
