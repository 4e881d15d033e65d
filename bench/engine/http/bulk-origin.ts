// The origin of large messages: listens on two ports (primary, standby), tells them on standard output, serves until it is killed.
//   node bench/engine/http/bulk-origin.ts
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { bulkBody, CHUNK, CHUNKED_PATH, CHUNKS, sizeOf } from './bulk-paths.ts'

const bodies = new Map<number, Buffer>()

const bodyOf = (size: number): Buffer => {
  const known = bodies.get(size)
  if (known) return known
  const body = bulkBody(size)
  bodies.set(size, body)
  return body
}

const answer = ({ url = '/' }: IncomingMessage, response: ServerResponse): void => {
  if (url === CHUNKED_PATH) {
    const chunk = bodyOf(CHUNK)
    for (let count = 0; count < CHUNKS; count += 1) response.write(chunk)
    response.end()
    return
  }
  const body = bodyOf(sizeOf(url))
  response.setHeader('Content-Length', body.length)
  response.end(body)
}

const serve = (request: IncomingMessage, response: ServerResponse): void => {
  request.resume()
  request.once('end', () => answer(request, response))
}

const listen = (): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer(
      { keepAliveTimeout: 65_000, requestTimeout: 0, headersTimeout: 0, noDelay: true },
      serve,
    )
    server.once('error', reject)
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => resolve(server))
  })

const [primaryPort, standbyPort] = (await Promise.all([listen(), listen()])).map(
  (server) => (server.address() as AddressInfo).port,
)
process.stdout.write(`${JSON.stringify({ primaryPort, standbyPort })}\n`)
