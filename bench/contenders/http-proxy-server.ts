// What people write with http-proxy when they need a standby: every request goes to the primary, and its error callback sends
// it to the standby. No health, no memory. Retried are only requests without a body, since the body's stream is used up.
//   node bench/contenders/http-proxy-server.ts LISTEN_PORT PRIMARY_URL STANDBY_URL RESPONSE_TIMEOUT_MS
import { Agent, createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'

// http-proxy brings no types; this is the part that is used.
type ProxyOptions = { readonly target: string; readonly agent: Agent; readonly proxyTimeout: number }
type OnError = (error: Error) => void
type Proxy = { web(request: IncomingMessage, response: ServerResponse, options: ProxyOptions, onError: OnError): void }
const { createProxyServer } = createRequire(import.meta.url)('http-proxy') as { createProxyServer(): Proxy }

const [listenPort, primary = '', standby = '', proxyTimeout = '5000'] = process.argv.slice(2)
const agent = new Agent({ keepAlive: true })
const proxy = createProxyServer()

const optionsFor = (target: string): ProxyOptions => ({
  target,
  agent,
  proxyTimeout: Number(proxyTimeout),
})

const giveUp = (response: ServerResponse): void => {
  if (response.headersSent) response.destroy()
  else response.writeHead(502).end('bad gateway\n')
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  proxy.web(request, response, optionsFor(primary), () => {
    const hasBody = request.method !== 'GET' && request.method !== 'HEAD'
    if (response.headersSent || hasBody) return giveUp(response)
    proxy.web(request, response, optionsFor(standby), () => giveUp(response))
  })
})

server.listen({ port: Number(listenPort), host: '127.0.0.1', backlog: 4096 })
