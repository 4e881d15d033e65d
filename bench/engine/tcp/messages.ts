// What the TCP load and its origin say to each other. The first byte of a connection says what the origin does with the rest,
// so that one listener in the proxy serves every workload.

/** The bytes that follow come back. */
export const ECHO = 0x65
/** One byte comes back for each full `ACKNOWLEDGED` bytes that follow. */
export const SINK = 0x73
/** A request of `REQUEST_BYTES`, this byte included, is answered with `ANSWER_BYTES`. */
export const EXCHANGE = 0x78

export const WRITE_BYTES = 16_384
export const ACKNOWLEDGED = 65_536
/** Written and not yet seen by the origin, at most: bounds what lies about in buffers, and so what a run can count wrongly. */
export const WINDOW = 524_288

export const REQUEST_BYTES = 32
export const ANSWER_BYTES = 32
export const ANSWER = Buffer.alloc(ANSWER_BYTES, 'understudy ')
