// The origin of a page that asks, listens and talks: GET /tea, POST /orders, events that go on after the last one that was
// received, and a WebSocket. Run by child-origin.ts.
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { acceptWebSocket } from './websocket.ts'

const [name = 'origin'] = process.argv.slice(2)
const PAGE = readFileSync(new URL('page.html', import.meta.url))
const EVERY_MS = 30

const server = createServer(async (request, response) => {
  const { method, url } = request
  if (url === '/') response.setHeader('Content-Type', 'text/html').end(PAGE)
  else if (url === '/healthz') response.end('well\n')
  else if (url === '/tea') say(response, { origin: name })
  else if (url === '/orders' && method === 'POST') say(response, { origin: name, body: await textOf(request) })
  else if (url === '/events') tell(request, response)
  else response.writeHead(404).end()
})
server.on('upgrade', (request, socket) => acceptWebSocket(request, socket, (text) => `${name}: ${text}`))
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`)
})
process.on('disconnect', () => process.exit())

function say(response: ServerResponse, body: object): void {
  response.setHeader('Content-Type', 'application/json').end(JSON.stringify(body))
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  return text
}

/** Whoever comes again says what it had, and gets what is next. */
function tell(request: IncomingMessage, response: ServerResponse): void {
  let last = Number(request.headers['last-event-id'] ?? 0)
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  response.write('retry: 50\n\n')
  const telling = setInterval(() => response.write(`id: ${++last}\ndata: ${name}\n\n`), EVERY_MS)
  response.once('close', () => clearInterval(telling))
}
