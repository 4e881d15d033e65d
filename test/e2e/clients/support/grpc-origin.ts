// A gRPC server as an origin. Run by child-origin.ts, which may tell it `shutdown` (gracefully: GOAWAY, and what is under way
// finishes), `not-serving` and `serving`.
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'
import { now } from '../../../../bench/clock.ts'
import { openExecutionLog } from '../../../../bench/origin/execution-log.ts'
import { decode, encode, HEALTH, ORDERS, type Order } from './grpc-service.ts'

const [name = 'origin', file = '/dev/null'] = process.argv.slice(2)
const WATCH_EVERY_MS = 20
/** Of HealthCheckResponse: field 1, SERVING or NOT_SERVING. */
const SERVING = Buffer.from([0x08, 0x01])
const NOT_SERVING = Buffer.from([0x08, 0x02])

type Call = ServerUnaryCall<Buffer, Buffer>

const log = openExecutionLog(file)
let health = SERVING
let cancelled = 0

function place(call: Call, done: sendUnaryData<Buffer>): void {
  const { id, ms = 0, fails = false } = decode<Order>(call.request)
  log.write({ kind: 'executed', id, origin: name, method: 'POST', at: now() })
  call.once('cancelled', () => cancelled++)
  const trailers = new Metadata()
  trailers.set('leaves', 'two')
  trailers.set('leaves-bin', Buffer.from([0, 255, 10]))
  if (fails) {
    done({ code: status.FAILED_PRECONDITION, details: 'no tea left: 茶', metadata: trailers })
    return
  }
  const head = new Metadata()
  head.set('pot', name)
  const tea = call.metadata.get('tea').map(String)
  const receipt = { origin: name, id, tea, hasDeadline: Number.isFinite(Number(call.getDeadline())) }
  // Not a word before it is done: until then nobody knows what became of the call.
  setTimeout(() => {
    call.sendMetadata(head)
    done(null, encode(receipt), trailers)
  }, ms)
}

function watch(call: ServerWritableStream<Buffer, Buffer>): void {
  const telling = setInterval(() => call.write(Buffer.from(name)), WATCH_EVERY_MS)
  call.once('cancelled', () => {
    cancelled++
    clearInterval(telling)
  })
}

function talk(call: ServerDuplexStream<Buffer, Buffer>): void {
  call.on('data', (message: Buffer) => call.write(Buffer.from(`${name}: ${message}`)))
  call.once('end', () => call.end())
}

const server = new Server()
server.addService(ORDERS, {
  place,
  watch,
  talk,
  echo: (call: Call, done: sendUnaryData<Buffer>) => done(null, call.request),
  stats: (_call: Call, done: sendUnaryData<Buffer>) => done(null, encode({ cancelled })),
})
server.addService(HEALTH, { check: (_call: Call, done: sendUnaryData<Buffer>) => done(null, health) })

process.on('message', (what) => {
  if (what === 'shutdown') server.tryShutdown(() => process.exit())
  else health = what === 'serving' ? SERVING : NOT_SERVING
  process.send?.(what)
})
process.on('disconnect', () => process.exit())

server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error
  process.stdout.write(`${JSON.stringify({ port })}\n`)
})
