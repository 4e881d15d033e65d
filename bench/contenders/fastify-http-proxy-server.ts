// The plugin as its page shows it, with a pool of connections that is large enough.
//   node bench/contenders/fastify-http-proxy-server.ts LISTEN_PORT PRIMARY_URL STANDBY_URL RESPONSE_TIMEOUT_MS
import proxy from '@fastify/http-proxy'
import fastify from 'fastify'

const [listenPort, upstream = '', , timeout = '5000'] = process.argv.slice(2)
const app = fastify({ keepAliveTimeout: 60_000 })
await app.register(proxy, { upstream, undici: { connections: 128, pipelining: 1, headersTimeout: Number(timeout) } })
await app.listen({ port: Number(listenPort), host: '127.0.0.1', backlog: 4_096 })
