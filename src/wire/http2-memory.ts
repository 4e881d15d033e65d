/**
 * node:http2 aborts the process when a session is collected as garbage before one of its streams that has read header fields
 * and told nobody of them: a malformed head, trailers behind a body of the wrong length (`current_nghttp2_memory_` in
 * node_http2.cc, Node 26). Any peer can send these. So sessions outlive their streams here.
 */
import type { Http2Session, Http2Stream } from 'node:http2'

/** What it holds lives on until what it watches is gone. */
const keeper = new FinalizationRegistry<unknown>(() => {})

export type KeepFor = (stream: Http2Stream) => void

/**
 * To be told of every stream that fields may still come for. And to be kept until the socket is closed: streams that were
 * never told of are given up with the turn in which the session ends.
 */
export function keepForStreams(session: Http2Session): KeepFor {
  const handle = handleOf(session)
  return (stream) => keeper.register(stream, handle)
}

/** Internal to Node: should it ever be missing, nothing is kept. */
function handleOf(session: Http2Session): unknown {
  const symbol = Object.getOwnPropertySymbols(session).find(({ description }) => description === 'kHandle')
  return symbol && (session as unknown as Record<symbol, unknown>)[symbol]
}
