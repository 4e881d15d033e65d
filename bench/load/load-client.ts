// What sends the requests of the load: one implementation a protocol. None ever sends a request twice.
import { crc32 } from 'node:zlib'
import type { Ending } from './connection.ts'
import type { PlannedRequest } from './plan.ts'

/** Calls back once. */
export type Send = (done: (ending: Ending) => void) => void

export type LoadClient = {
  /** Before the load begins: all that need not be done at the moment when the request is due. */
  prepare(request: PlannedRequest): Send
  close(): void
}

export const checksum = (body: Buffer): string => crc32(body).toString(16).padStart(8, '0')
