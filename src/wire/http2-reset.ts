/** What it says that a stream was broken off (RFC 9113 §7), in the words of the core. */
import { constants } from 'node:http2'
import type { FailureKind } from '../core/failure.ts'
import { failureKindOf } from './socket-failure.ts'

export type StreamFailure = Readonly<{ kind: FailureKind; detail: string }>

const WANTS_HTTP_1 = 'the upstream wants HTTP/1.1 for this: use an http:// or https:// address'

/** `error`: what node:http2 said of it, if anything. */
export function streamFailure(code: number, error: NodeJS.ErrnoException | null, headSeen: boolean): StreamFailure {
  const detail = error?.message ?? 'the upstream broke the stream off'
  const kind = failureKindOf(error)
  // The connection failed, and its streams with it.
  if (kind !== 'reset') return { kind, detail }
  if (headSeen) return { kind: 'truncated', detail }
  switch (code) {
    case constants.NGHTTP2_REFUSED_STREAM:
      return { kind: 'unprocessed', detail }
    case constants.NGHTTP2_HTTP_1_1_REQUIRED:
      return { kind: 'protocol', detail: WANTS_HTTP_1 }
    // Also what node:http2 itself resets a stream with whose head is malformed, or has too many fields.
    case constants.NGHTTP2_PROTOCOL_ERROR:
    case constants.NGHTTP2_ENHANCE_YOUR_CALM:
      return { kind: 'protocol', detail }
    default:
      return { kind: 'reset', detail }
  }
}
