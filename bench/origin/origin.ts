// One origin as its own process:
//   node bench/origin/origin.ts --name primary --log FILE [--host 127.0.0.1] [--port 0] [--keep-alive-timeout 65000]
// It prints one JSON line {"port":…} when it listens. Over the IPC channel of its parent, {"misbehave": NAME} starts a fault
// and is acknowledged with {"misbehaving": NAME, "at": monotonic ms}. SIGTERM is a graceful stop, also without a parent.
import { createServer } from 'node:http'
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { now } from '../clock.ts'
import type { Behaviour, OriginControl } from './behaviour.ts'
import { openExecutionLog } from './execution-log.ts'
import { isMisbehaviour, type MisbehaviourName, misbehaviours } from './misbehaviour/registry.ts'
import { shopListener } from './shop.ts'

const { values: options } = parseArgs({
  options: {
    name: { type: 'string', default: 'origin' },
    log: { type: 'string', default: '/dev/null' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '0' },
    // Longer than any proxy keeps idle connections, so that the keep-alive race happens only where a scenario wants it.
    'keep-alive-timeout': { type: 'string', default: '65000' },
  },
})

let behaviour: Behaviour = {}
const sockets = new Set<Socket>()
const log = openExecutionLog(options.log)
const server = createServer(
  { keepAliveTimeout: Number(options['keep-alive-timeout']), requestTimeout: 0, headersTimeout: 0, noDelay: true },
  shopListener({ name: options.name, log, behaviour: () => behaviour }),
)
let port = Number(options.port)

server.on('connection', (socket: Socket) => {
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
  behaviour.onConnection?.(socket)
})
server.on('clientError', (_error, socket) => socket.destroy())

const origin: OriginControl = {
  server,
  sockets,
  listen: () =>
    new Promise((resolve, reject) => {
      if (server.listening) return resolve()
      server.once('error', reject)
      server.listen({ port, host: options.host, backlog: 4096 }, () => {
        server.removeListener('error', reject)
        port = (server.address() as AddressInfo).port
        resolve()
      })
    }),
  // http.Server.close() would also cut idle connections; net.Server's only stops listening.
  stopListening: () => void NetServer.prototype.close.call(server),
  exitWhenIdle: () => {
    const exitIfIdle = () => sockets.size === 0 && process.exit(0)
    for (const socket of sockets) socket.once('close', () => setImmediate(exitIfIdle))
    exitIfIdle()
  },
}

const misbehave = async (name: MisbehaviourName): Promise<void> => {
  // Before it takes effect: what a stall of this process delays afterwards has met the fault all the same.
  const at = now()
  behaviour = misbehaviours[name]
  await behaviour.begin?.(origin)
  process.send?.({ misbehaving: name, at })
}

process.on('message', (message: unknown) => {
  const name = (message as { misbehave?: unknown }).misbehave
  if (typeof name === 'string' && isMisbehaviour(name)) void misbehave(name)
  else process.send?.({ error: `unknown misbehaviour ${String(name)}` })
})
// A parent that is gone cannot end us.
process.on('disconnect', () => process.exit(0))
process.on('SIGTERM', () => void misbehave('graceful-stop'))

await origin.listen()
process.stdout.write(`${JSON.stringify({ port })}\n`)
