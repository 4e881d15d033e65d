// The load generator, in its own process so that it shares no event loop with origins, proxy or trial:
//   node bench/load/open-loop.ts --port P --rows FILE [--rate 300] [--seconds 6] [--seed 1]
//     [--post-share 0.2] [--slow-share 0.02] [--slow-ms 2000] [--download-share 0] [--timeout-ms 8000]
//     [--http2-ca FILE]
// Open loop: request i is due at t0 + i/rate whatever happened to the ones before, and latency counts from that moment (no
// coordinated omission). Prints one JSON line {"startedAt": t0} before the first request and one summary after the
// last answer; every request is a JSON line in FILE.
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { now } from '../clock.ts'
import { downloadOf, isDownload } from '../origin/downloads.ts'
import type { ShopAnswer } from '../origin/shop.ts'
import type { Ending } from './connection.ts'
import { http1Client } from './http1-client.ts'
import { http2Client } from './http2-client.ts'
import { checksum, type LoadClient, type Send } from './load-client.ts'
import { DEFAULT_SHAPE, type LoadShape, type PlannedRequest, planLoad } from './plan.ts'
import type { Row } from './row.ts'

const START_DELAY_MS = 50

const { values: options } = parseArgs({
  options: {
    port: { type: 'string' },
    rows: { type: 'string', default: '/dev/null' },
    rate: { type: 'string', default: String(DEFAULT_SHAPE.rate) },
    seconds: { type: 'string', default: String(DEFAULT_SHAPE.seconds) },
    seed: { type: 'string', default: String(DEFAULT_SHAPE.seed) },
    'post-share': { type: 'string', default: String(DEFAULT_SHAPE.postShare) },
    'slow-share': { type: 'string', default: String(DEFAULT_SHAPE.slowShare) },
    'slow-ms': { type: 'string', default: String(DEFAULT_SHAPE.slowMs) },
    'download-share': { type: 'string', default: String(DEFAULT_SHAPE.downloadShare) },
    // Above the 5 s response timeout that the contenders are given, so that theirs decides.
    'timeout-ms': { type: 'string', default: '8000' },
    // HTTP/2 over TLS, and whom to trust; HTTP/1.1 without TLS when not given.
    'http2-ca': { type: 'string' },
  },
})

const shape: LoadShape = {
  rate: Number(options.rate),
  seconds: Number(options.seconds),
  seed: Number(options.seed),
  postShare: Number(options['post-share']),
  slowShare: Number(options['slow-share']),
  slowMs: Number(options['slow-ms']),
  downloadShare: Number(options['download-share']),
}

const parseAnswer = (body: Buffer): Partial<ShopAnswer> => {
  try {
    return JSON.parse(body.toString('utf8')) as Partial<ShopAnswer>
  } catch {
    return {}
  }
}

type Judged = Pick<Row, 'status' | 'error' | 'origin' | 'thinkMs'>

const judge = (request: PlannedRequest, ending: Ending): Judged => {
  if (ending.error !== null) return { status: 0, error: ending.error, origin: null, thinkMs: 0 }
  const { status, body } = ending.answer
  if (status < 200 || status > 299) return { status, error: 'status', origin: null, thinkMs: 0 }
  // It tells no origin: both may have sent a part of it.
  if (isDownload(request.path)) {
    const whole = checksum(body) === downloadOf(request.path).checksum
    return { status, error: whole ? null : 'wrong-answer', origin: null, thinkMs: 0 }
  }
  const answer = parseAnswer(body)
  const mine = answer.id === request.id && answer.bodyChecksum === checksum(request.body) && Boolean(answer.origin)
  return { status, error: mine ? null : 'wrong-answer', origin: answer.origin ?? null, thinkMs: answer.thinkMs ?? 0 }
}

const createClient = (): LoadClient => {
  const [port, timeoutMs, ca] = [Number(options.port), Number(options['timeout-ms']), options['http2-ca']]
  return ca === undefined
    ? http1Client(port, timeoutMs)
    : http2Client({ port, timeoutMs, ca: readFileSync(ca, 'utf8') })
}

const run = (plan: readonly PlannedRequest[], prepared: readonly Send[]): Promise<Row[]> =>
  new Promise((resolve) => {
    const rows: Row[] = []
    const startedAt = now() + START_DELAY_MS
    process.stdout.write(`${JSON.stringify({ startedAt })}\n`)
    const fire = (request: PlannedRequest, send: Send) => {
      const { id, method, path, slow } = request
      const start = now()
      send((ending) => {
        const outcome = judge(request, ending)
        const due = startedAt + request.dueAfter
        rows.push({ id, method, path, slow, due, start, end: now(), ...outcome, reusedConnection: ending.reused })
        if (rows.length === plan.length) resolve(rows)
      })
    }
    let next = 0
    const tick = () => {
      for (let request = plan[next]; request && startedAt + request.dueAfter <= now(); request = plan[next]) {
        fire(request, prepared[next] as Send)
        next += 1
      }
      const upcoming = plan[next]
      if (upcoming) setTimeout(tick, Math.max(1, Math.floor(startedAt + upcoming.dueAfter - now())))
    }
    tick()
  })

const plan = planLoad(shape)
// Made before the load begins, because making one takes longer than a request.
for (const { path } of plan) if (isDownload(path)) downloadOf(path)
const client = createClient()
const rows = await run(plan, plan.map(client.prepare))
client.close()
writeFileSync(options.rows, `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`)
const failed = rows.filter((row) => row.error !== null).length
process.stdout.write(`${JSON.stringify({ requests: rows.length, failed, shape })}\n`)
