/**
 * Where the answers of fronts go that frame messages themselves: one HTTP/2 stream, one response of Node's own server.
 * Plain data in, no text to parse.
 */

/** Names as they came; not one of them is about a connection. */
export type FieldList = readonly (readonly [name: string, value: string])[]

export interface AnswerSink {
  /** A 1xx other than 101; the final answer is still to come. */
  interim(status: number, fields: FieldList): void
  /** `endsHere`: the answer has no body and is complete; `write` and `end` do not follow. */
  head(status: number, reason: string, fields: FieldList, endsHere: boolean): void
  /** The bytes are the sink's own from now on. Returns false when the client should be given time. */
  write(bytes: Buffer): boolean
  end(trailers: FieldList): void
  /** Breaks off a begun answer so that the client sees it. */
  truncate(): void
  /** Of the request. */
  pauseBody(): void
  resumeBody(): void
}
