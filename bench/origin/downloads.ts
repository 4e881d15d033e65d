// Large files that both origins of a pair have, byte for byte, under strong validators: what a download that was cut half way
// can be resumed with from the other one (RFC 9110, sections 13.1.5 and 14). The client knows their checksums. Pure.
import { createCipheriv, createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

export const DOWNLOADS = '/downloads/'

const BYTES = 10 * 1024 * 1024

export type Download = { readonly body: Buffer; readonly checksum: string; readonly etag: string }

const made = new Map<string, Download>()

// Noise, so that a piece from a wrong offset cannot pass for the right one.
const make = (path: string): Download => {
  const key = createHash('sha256').update(path).digest().subarray(0, 16)
  const body = createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(BYTES))
  const checksum = crc32(body).toString(16).padStart(8, '0')
  return { body, checksum, etag: `"${checksum}"` }
}

export const isDownload = (path: string): boolean => path.startsWith(DOWNLOADS)

export const downloadOf = (path: string): Download => {
  const known = made.get(path) ?? make(path)
  made.set(path, known)
  return known
}

type Asked = { readonly range?: string | undefined; readonly ifRange?: string | undefined }

/** `from` and `to` (inclusive) when a part is to be answered with 206, else null: everything. */
export const partOf = ({ body, etag }: Download, { range, ifRange }: Asked): { from: number; to: number } | null => {
  const match = /^bytes=(\d+)-(\d*)$/.exec(range ?? '')
  if (!match || (ifRange !== undefined && ifRange !== etag)) return null
  const from = Number(match[1])
  const to = match[2] ? Math.min(Number(match[2]), body.length - 1) : body.length - 1
  return from <= to ? { from, to } : null
}
