// The application that the origins run: a small shop with several route classes that take different, fixed times. It
// receives the whole body, verifies its checksum, writes the execution down, thinks, answers. The behaviour of the moment
// may interfere at each step. It knows nothing of listening, processes or control.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { crc32 } from 'node:zlib'
import { now } from '../clock.ts'
import type { Behaviour, ShopRequest } from './behaviour.ts'
import { downloadOf, isDownload, partOf } from './downloads.ts'
import type { ExecutionLog } from './execution-log.ts'

export const HEALTH_PATH = '/healthz'

export type Shop = {
  readonly name: string
  readonly log: ExecutionLog
  /** Read at every step, because a fault may begin while a request is under way. */
  behaviour(): Behaviour
}

/** What every executed request is answered with; the client checks each field. */
export type ShopAnswer = {
  readonly origin: string
  readonly id: string
  readonly bodyChecksum: string
  /** What the application itself means to take; the rest of a latency is the network, the proxy and the fault. */
  readonly thinkMs: number
  readonly filler: string
}

// Think times make requests be in flight when the fault strikes; without them "executed but never answered", the case that
// tells at-most-once from luck, would hardly ever happen.
const thinkMs = (request: ShopRequest, query: URLSearchParams): number => {
  if (request.path.startsWith('/orders')) return 40
  if (request.path.startsWith('/search')) return 10
  if (request.path.startsWith('/cart')) return 5
  if (request.path.startsWith('/reports')) return Number(query.get('ms') ?? 2_000)
  return 0
}

const checksum = (body: Buffer): string => crc32(body).toString(16).padStart(8, '0')

// 0 to 4 KiB that follow from the id, so that answers differ in size and a mixed-up one cannot pass for another.
const filler = (id: string): string => id.repeat(crc32(id) % Math.ceil(4096 / Math.max(1, id.length)))

const readBody = (request: IncomingMessage): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.once('end', () => resolve(Buffer.concat(chunks)))
    request.once('error', reject)
  })

const answer = (response: ServerResponse, status: number, body: string, behaviour: Behaviour): void => {
  if (behaviour.closesAfterAnswer) response.setHeader('Connection', 'close')
  response.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}

const sendPayload = (response: ServerResponse, payload: Buffer, behaviour: Behaviour): void => {
  if (behaviour.closesAfterAnswer) response.setHeader('Connection', 'close')
  if (behaviour.send) {
    behaviour.send(response, payload)
    return
  }
  response.setHeader('Content-Length', payload.length)
  response.end(payload)
}

const answerExecuted = (shop: Shop, response: ServerResponse, content: ShopAnswer): void => {
  response.statusCode = 200
  response.setHeader('Content-Type', 'application/json')
  sendPayload(response, Buffer.from(JSON.stringify(content)), shop.behaviour())
}

const answerDownload = (shop: Shop, message: IncomingMessage, response: ServerResponse, path: string): void => {
  const file = downloadOf(path)
  const { range, 'if-range': ifRange } = message.headers
  const part = partOf(file, { range, ifRange: ifRange === undefined ? undefined : String(ifRange) })
  response.statusCode = part ? 206 : 200
  response.setHeader('Content-Type', 'application/octet-stream')
  response.setHeader('Accept-Ranges', 'bytes')
  response.setHeader('ETag', file.etag)
  if (part) response.setHeader('Content-Range', `bytes ${part.from}-${part.to}/${file.body.length}`)
  sendPayload(response, part ? file.body.subarray(part.from, part.to + 1) : file.body, shop.behaviour())
}

const describe = (shop: Shop, message: IncomingMessage, url: URL): ShopRequest => ({
  origin: shop.name,
  id: String(message.headers['x-bench-id'] ?? ''),
  method: message.method ?? 'GET',
  path: url.pathname,
  isHealth: url.pathname === HEALTH_PATH || message.headers['x-bench-id'] === undefined,
})

const serve = async (shop: Shop, message: IncomingMessage, response: ServerResponse): Promise<void> => {
  const url = new URL(message.url ?? '/', 'http://shop')
  const request = describe(shop, message, url)
  const body = await readBody(message)
  const refusal = shop.behaviour().refuse?.(request) ?? null
  const note = (kind: 'executed' | 'refused') => {
    if (request.id) shop.log.write({ kind, id: request.id, origin: shop.name, method: request.method, at: now() })
  }
  if (refusal !== null) {
    note('refused')
    return answer(response, refusal, `${shop.name} refuses\n`, shop.behaviour())
  }
  if (request.isHealth) return answer(response, 200, `${shop.name} is well\n`, shop.behaviour())
  if (message.headers['x-bench-checksum'] !== checksum(body)) {
    return answer(response, 400, 'the body arrived damaged\n', shop.behaviour())
  }
  note('executed')
  if (isDownload(request.path)) return answerDownload(shop, message, response, request.path)
  const { id } = request
  const thinking = thinkMs(request, url.searchParams)
  const content = { origin: shop.name, id, bodyChecksum: checksum(body), thinkMs: thinking, filler: filler(id) }
  const delay = Math.max(thinking, shop.behaviour().leastDelayMs?.(request) ?? 0)
  if (delay > 0) setTimeout(() => answerExecuted(shop, response, content), delay)
  else answerExecuted(shop, response, content)
}

export const shopListener =
  (shop: Shop) =>
  (message: IncomingMessage, response: ServerResponse): void => {
    serve(shop, message, response).catch(() => response.destroy())
  }
