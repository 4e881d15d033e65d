// What the parent orders from the TCP load process, which does one thing after the other.
import type { Run } from '../engine-bench.ts'

export type TcpLoad = {
  readonly mode: 'echo' | 'sink' | 'exchange'
  /** For `exchange`: how many at a time. */
  readonly connections: number
}

export type TcpOrder = TcpLoad & { readonly port: number; readonly seconds: number }

export type TcpReply = { readonly run: Run } | { readonly failed: string }
