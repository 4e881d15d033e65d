// The load as HTTP/1.1 without TLS, on keep-alive connections.
import { ClientPool } from './client-pool.ts'
import { checksum, type LoadClient } from './load-client.ts'
import type { PlannedRequest } from './plan.ts'

const encode = (request: PlannedRequest): Buffer => {
  const head = [
    `${request.method} ${request.path} HTTP/1.1`,
    'Host: shop.test',
    `X-Bench-Id: ${request.id}`,
    `X-Bench-Checksum: ${checksum(request.body)}`,
    ...(request.method === 'POST'
      ? [`Content-Length: ${request.body.length}`, 'Content-Type: application/octet-stream']
      : []),
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), request.body])
}

export const http1Client = (port: number, timeoutMs: number): LoadClient => {
  const pool = new ClientPool(port, timeoutMs)
  return {
    prepare: (request) => {
      const bytes = encode(request)
      return (done) => pool.send(bytes, done)
    },
    close: () => pool.close(),
  }
}
