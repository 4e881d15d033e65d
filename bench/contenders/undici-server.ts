// node:http in front, undici's `dispatch` behind: nothing is parsed twice, bodies flow with backpressure, no failover.
//   node bench/contenders/undici-server.ts LISTEN_PORT PRIMARY_URL STANDBY_URL RESPONSE_TIMEOUT_MS
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Dispatcher, Pool } from 'undici'

const [listenPort, upstream = '', , timeout = '5000'] = process.argv.slice(2)
const pool = new Pool(upstream, { connections: 128, pipelining: 1, headersTimeout: Number(timeout) })
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'te'])

const passedOn = (headers: Record<string, string | string[] | undefined>): Record<string, string | string[]> =>
  Object.fromEntries(
    Object.entries(headers).filter(
      (entry): entry is [string, string | string[]] => entry[1] !== undefined && !HOP_BY_HOP.has(entry[0]),
    ),
  )

const handlerFor = (response: ServerResponse): Dispatcher.DispatchHandler => ({
  onRequestStart: () => {},
  onResponseStart: (_controller, status, headers) => {
    response.writeHead(status, passedOn(headers))
  },
  onResponseData: (controller, chunk) => {
    if (response.write(chunk)) return
    controller.pause()
    response.once('drain', () => controller.resume())
  },
  onResponseEnd: () => {
    response.end()
  },
  onResponseError: () => {
    if (response.headersSent) response.destroy()
    else response.writeHead(502).end('bad gateway\n')
  },
})

const serve = (request: IncomingMessage, response: ServerResponse): void => {
  const { method = 'GET', url = '/', headers } = request
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
  pool.dispatch({ path: url, method, headers: passedOn(headers), body: hasBody ? request : null }, handlerFor(response))
}

const server = createServer({ keepAliveTimeout: 60_000 }, serve)
server.listen({ port: Number(listenPort), host: '127.0.0.1', backlog: 4_096 })
