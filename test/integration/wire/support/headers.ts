// The PROXY headers that visitors bring.

import { proxyHeader } from '../../../../src/wire/proxy-header-writer.ts'

export const client = { address: '192.0.2.1', port: 56_132 }
export const server = { address: '198.51.100.7', port: 443 }
/** Of a connection from `client` to `server`. */
export const headers = { v1: proxyHeader('v1', client, server), v2: proxyHeader('v2', client, server) } as const
/** To cut behind every byte. */
export const every = (bytes: Buffer): number[] => Array.from(bytes, (_, at) => at + 1)
