// Many clients at once that cost nothing but their being there: idle ones after a request, or ones that read very slowly. Prints
// one line, a Run as JSON, whose amount is how many were still connected at the end.
//   node bench/engine/http/crowd.ts --port N --clients N --seconds N --path P [--slow]
import { connect, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { now, sleep } from '../../clock.ts'
import type { Run } from '../engine-bench.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    clients: { type: 'string' },
    seconds: { type: 'string' },
    path: { type: 'string', default: '/' },
    slow: { type: 'boolean', default: false },
  },
})
const { path, slow } = values
const [port, clients, seconds] = [values.port, values.clients, values.seconds].map(Number) as [number, number, number]

/** More would overflow the queues of those who accept. */
const AT_ONCE = 200
const READS_EVERY_MS = 500
const REQUEST = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`

const present = new Set<Socket>()

/** Resolves with the first bytes of its answer, or when it is turned away. */
const join = (): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(REQUEST))
    socket.once('data', () => {
      present.add(socket)
      resolve()
    })
    if (slow) socket.on('data', () => socket.pause())
    else socket.resume()
    socket.once('error', () => {})
    socket.once('close', () => {
      present.delete(socket)
      resolve()
    })
  })

const startedAt = now()
for (let joined = 0; joined < clients; joined += AT_ONCE) {
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, clients - joined) }, join))
}
const reading = setInterval(() => {
  if (slow) for (const socket of present) socket.resume()
}, READS_EVERY_MS)
await sleep(seconds * 1_000)
clearInterval(reading)

const run: Run = {
  amount: present.size,
  seconds: (now() - startedAt) / 1_000,
  p50Ms: null,
  p99Ms: null,
  errors: clients - present.size,
}
process.stdout.write(`${JSON.stringify(run)}\n`, () => process.exit(0))
