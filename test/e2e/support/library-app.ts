// A small Fastify application with the plugin, in a process of its own, as the contender of library-contender.ts. Its
// settings are its first argument, as JSON; a server apart takes commands.
import { createServer } from 'node:http'
import Fastify, { type FastifyInstance } from 'fastify'
import { understudy } from 'understudy-proxy'

export type LibrarySettings = {
  readonly listenPort: number
  readonly adminPort: number
  readonly upstreams: readonly { readonly name: string; readonly url: string }[]
  readonly stateDir: string
}

const { listenPort, adminPort, upstreams, stateDir } = JSON.parse(process.argv[2] ?? '{}') as LibrarySettings

const app: FastifyInstance = Fastify({ keepAliveTimeout: 60_000 })
// An application has hooks of its own.
app.addHook('onRequest', async (_request, reply) => {
  reply.header('X-Application', 'tea house')
})
await app.register(understudy, {
  pools: { shop: { upstreams, probe: { type: 'http', path: '/healthz' } } },
  state: { dir: stateDir },
})
await app.listen({ host: '127.0.0.1', port: listenPort })

const allHealthy = (): boolean =>
  app.understudy.upstreams().every((pool) => pool.upstreams.every(({ health }) => health.status === 'healthy'))

function obey(path: string): number {
  switch (path) {
    case '/readyz':
      return allHealthy() ? 200 : 503
    case '/switchover':
    case '/failback':
      app.understudy.command('shop', path === '/failback' ? 'failback' : 'switchover')
      return 200
    default:
      return 404
  }
}

createServer((request, response) => {
  request.resume()
  response.writeHead(obey(request.url ?? '')).end()
}).listen(adminPort, '127.0.0.1')
process.once('SIGTERM', () => app.close().finally(() => process.exit()))
