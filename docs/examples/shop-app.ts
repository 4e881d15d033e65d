/** An application of your own with a pair of upstreams behind one of its paths. */
import Fastify from 'fastify'
import { understudy } from 'understudy-proxy'

const app = Fastify()

// Hooks run before anything reaches an upstream, WebSockets included.
app.addHook('onRequest', async (request, reply) => {
  if (request.headers.authorization !== 'Bearer open sesame') return reply.code(401).send({ error: 'who are you?' })
})

await app.register(understudy, {
  pools: {
    shop: {
      upstreams: [
        { name: 'blue', url: process.env.BLUE ?? 'http://127.0.0.1:3001' },
        { name: 'green', url: process.env.GREEN ?? 'http://127.0.0.1:3002' },
      ],
    },
  },
  routes: { '/api/*': { pool: 'shop', rewrite: '/' } },
  state: { dir: process.env.STATE_DIR ?? '.understudy' },
})

// A route of your own beside them.
app.get('/who', async () => app.understudy.upstreams().map(({ pool, active, summary }) => ({ pool, active, summary })))

app.post('/maintenance', async () => app.understudy.command('shop', 'switchover', { to: 'green', why: 'maintenance' }))

console.log(await app.listen({ port: Number(process.env.PORT ?? 8080) }))
process.once('SIGTERM', () => app.close())
