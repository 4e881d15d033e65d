// A steady load without coordinated omission: request i is due at t0 + i/rate whatever happened before, and its latency counts
// from then. Between two requests it polls instead of sleeping, because timers know milliseconds only; `nice` keeps it out of the
// way of the origin on the same core. Prints one line, a Run as JSON.
//   node bench/engine/http/paced-load.ts --port N --rate N --seconds N --connections N
import { connect, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { now } from '../../clock.ts'
import type { Run } from '../engine-bench.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    rate: { type: 'string' },
    seconds: { type: 'string' },
    connections: { type: 'string' },
  },
})
const [port, rate, seconds, connections] = [values.port, values.rate, values.seconds, values.connections].map(
  Number,
) as [number, number, number, number]

const REQUEST = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`
/** Beyond the last request that is due. */
const PATIENCE_MS = 5_000

type Connection = { readonly socket: Socket; due: number; unread: string }

const latencies: number[] = []
let errors = 0
const idle: Connection[] = []

/** Whether one whole answer is there; it is 2xx or an error. */
const isWhole = (text: string): boolean => {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0)
  return text.length >= end + 4 + length
}

const received = (connection: Connection, text: string): void => {
  connection.unread += text
  if (!isWhole(connection.unread)) return
  if (/^HTTP\/1\.1 2/.test(connection.unread)) latencies.push(now() - connection.due)
  else errors += 1
  connection.unread = ''
  idle.push(connection)
}

const open = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const connection: Connection = { socket, due: 0, unread: '' }
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => received(connection, text))
    socket.once('error', (error) => {
      errors += 1
      reject(error)
    })
    socket.once('connect', () => {
      idle.push(connection)
      resolve()
    })
  })

await Promise.all(Array.from({ length: connections }, open))

const total = Math.round(rate * seconds)
const startedAt = now()
let sent = 0

const turn = (): void => {
  const time = now()
  while (sent < total && startedAt + (sent / rate) * 1_000 <= time) {
    const connection = idle.pop()
    // It stays due, and its wait counts.
    if (!connection) break
    connection.due = startedAt + (sent / rate) * 1_000
    sent += 1
    connection.socket.write(REQUEST)
  }
  const answered = latencies.length + errors
  if (answered >= total || time > startedAt + seconds * 1_000 + PATIENCE_MS) finish()
  else setImmediate(turn)
}

const finish = (): void => {
  const sorted = latencies.sort((a, b) => a - b)
  const percentile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null
  const run: Run = {
    amount: sorted.length,
    seconds: (now() - startedAt) / 1_000,
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
    p999Ms: percentile(0.999),
    errors: errors + (total - sorted.length - errors),
  }
  process.stdout.write(`${JSON.stringify(run)}\n`, () => process.exit(0))
}

turn()
