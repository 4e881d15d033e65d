// The TCP origin: listens on two ports (primary, standby), tells them on standard output, serves until it is killed.
//   node bench/engine/tcp/origin.ts
import { type AddressInfo, createServer, type Server } from 'node:net'
import { serve } from './serve.ts'

const listen = (): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true }, serve)
    server.once('error', reject)
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => resolve(server))
  })

const [primaryPort, standbyPort] = (await Promise.all([listen(), listen()])).map(
  (server) => (server.address() as AddressInfo).port,
)
process.stdout.write(`${JSON.stringify({ primaryPort, standbyPort })}\n`)
