/**
 * Memory that sockets read into. A socket is told where to put its next read when it has handed over the last one, and
 * keeps to that: so memory that a write still refers to, or that is to be another socket's, must be no socket's next.
 */

/** Heads, short messages: read into by every socket that has nothing long under way. Used up within the callback, always. */
export const shared = Buffer.allocUnsafeSlow(16_384)

const LARGE = 65_536
/** 4 MiB. What is given back beyond that is left to the garbage collector. */
const MOST_KEPT = 64

const kept: Buffer[] = []

/** For a long message: of one's own, until it is given back. */
export function lend(): Buffer {
  return kept.pop() ?? Buffer.allocUnsafeSlow(LARGE)
}

/** Nothing reads into it any more, and nothing that was written of it is still to be taken. */
export function giveBack(buffer: Buffer): void {
  if (kept.length < MOST_KEPT) kept.push(buffer)
}
