// What the origin of large messages serves, and what a download must therefore be.

export const CHUNKED_PATH = '/chunked'
export const CHUNKS = 16
export const CHUNK = 4_096

/** Bytes that no shift or mix-up would leave alike. */
export const bulkBody = (size: number): Buffer => {
  const body = Buffer.allocUnsafe(size)
  for (let at = 0; at < size; at += 1) body[at] = (at * 31 + (at >> 8)) & 0xff
  return body
}

export const pathOf = (size: number): string => `/bytes/${size}`

/** Any other path: a short answer. */
export const sizeOf = (path: string): number => Number(/^\/bytes\/(\d+)$/.exec(path)?.[1] ?? 47)
