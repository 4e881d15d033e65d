/**
 * A small shop to stand behind the demo: started by `demo` as a child process with its name and port, and says on every
 * answer which shop gave it. Ends when its parent does, however that ended.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import process from 'node:process'
import { shopPage } from './demo-page.ts'

const [name = 'shop', host = '127.0.0.1', port = '0'] = process.argv.slice(2)
const LONGEST_ORDER = 65_536

let orders = 0

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy())
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url?.split('?', 1)[0]
  if (path === '/healthz') return send(response, 200, { status: 'ok' })
  if (path === '/orders' && request.method === 'POST') return order(request, response)
  if (path !== '/') return send(response, 404, { error: 'not found', try: ['GET /', 'POST /orders', 'GET /healthz'] })
  const shop = { servedBy: name, pid: process.pid, orders }
  if (!request.headers.accept?.includes('text/html')) return send(response, 200, shop)
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(shopPage(shop))
}

async function order(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let bytes = 0
  for await (const chunk of request) bytes += (chunk as Buffer).length
  if (bytes > LONGEST_ORDER) return send(response, 413, { error: 'this shop takes small orders only' })
  orders++
  send(response, 201, { order: orders, bytes, servedBy: name, pid: process.pid })
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
}

// Ctrl-C reaches the whole group at once, but the proxy must be able to finish what is in flight here.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit())
server.on('error', (error: NodeJS.ErrnoException) => {
  process.send?.({ failed: error.code ?? error.message }, () => process.exit(1))
})
server.listen(Number(port), host, () => process.send?.({ ready: true }))
