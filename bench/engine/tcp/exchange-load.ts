// One connection after the other, several at a time: connect, a small request, its answer, close.
import { connect } from 'node:net'
import { now, sleep } from '../../clock.ts'
import type { Run } from '../engine-bench.ts'
import { ANSWER_BYTES, EXCHANGE, REQUEST_BYTES } from './messages.ts'
import type { TcpOrder } from './orders.ts'

const REQUEST = Buffer.alloc(REQUEST_BYTES, 'x')
REQUEST[0] = EXCHANGE
const IGNORED = Buffer.allocUnsafeSlow(4_096)
const ANSWER_MS = 5_000
/** A port that refuses must not turn into a loop that measures refusals. */
const AFTER_ERROR_MS = 10

const exchangeOnce = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    let missing = ANSWER_BYTES
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: IGNORED,
        callback: (length) => {
          missing -= length
          if (missing <= 0) socket.destroy()
          return true
        },
      },
    })
    socket.setTimeout(ANSWER_MS, () => socket.destroy())
    socket.once('connect', () => socket.write(REQUEST))
    socket.once('error', () => {})
    // Too many bytes are as wrong as too few.
    socket.once('close', () => resolve(missing === 0))
  })

const percentile = (sorted: readonly number[], share: number): number | null =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null

export const runExchanges = async ({ port, connections, seconds }: TcpOrder): Promise<Run> => {
  const latencies: number[] = []
  let errors = 0
  const startedAt = now()
  const deadline = startedAt + seconds * 1_000
  const worker = async () => {
    while (now() < deadline) {
      const from = now()
      if (await exchangeOnce(port)) latencies.push(now() - from)
      else {
        errors += 1
        await sleep(AFTER_ERROR_MS)
      }
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  const elapsed = (now() - startedAt) / 1_000
  const sorted = latencies.sort((a, b) => a - b)
  return {
    amount: sorted.length,
    seconds: elapsed,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    errors,
  }
}
