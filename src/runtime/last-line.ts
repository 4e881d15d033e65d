/**
 * The last line of a file that is what one looks for, read from its end in slices: a journal may have megabytes, and
 * traffic must not wait while somebody reads them.
 */
import { open } from 'node:fs/promises'

const SLICE = 65_536
const NEWLINE = 0x0a

/** `accept` says what a line is, or null. Null: there is none, or no file. */
export async function findLastLine<Found>(path: string, accept: (line: string) => Found | null): Promise<Found | null> {
  const file = await open(path, 'r').catch(() => null)
  if (!file) return null
  try {
    let end = (await file.stat()).size
    // The beginning of a line whose end has been read already. Bytes, for a slice may end within a character.
    let rest = Buffer.alloc(0)
    while (end > 0) {
      const length = Math.min(SLICE, end)
      end -= length
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, end)
      const text = Buffer.concat([buffer.subarray(0, bytesRead), rest])
      // Up to the first line end it belongs to a line that begins further up.
      const first = end === 0 ? 0 : text.indexOf(NEWLINE) + 1 || text.length
      const found = lastOf(text.subarray(first).toString('utf8').split('\n'), accept)
      if (found !== null) return found
      rest = text.subarray(0, first)
    }
    return null
  } finally {
    await file.close()
  }
}

function lastOf<Found>(lines: readonly string[], accept: (line: string) => Found | null): Found | null {
  for (const line of lines.toReversed()) {
    const found = line === '' ? null : accept(line)
    if (found !== null) return found
  }
  return null
}
