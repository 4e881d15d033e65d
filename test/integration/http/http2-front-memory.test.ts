// Header fields that node:http2 has read and tells nobody of, when the connection ends and the garbage is collected. What goes
// wrong here aborts the process: the worker is gone.
import { once } from 'node:events'
import { constants } from 'node:http2'
import { connect, createServer, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { turns } from '../../support/signal.ts'
import { StreamingOrigin } from '../../support/streaming-origin.ts'
import { Front } from './support/http2-front.ts'
import { POST } from './support/http2-vectors.ts'
import {
  type FieldPairs,
  frame,
  headers,
  INITIAL_WINDOW_SIZE,
  PREFACE,
  RawHttp2,
  settings,
  uint32,
} from './support/raw-http2.ts'

const { NGHTTP2_NO_ERROR } = constants
const ROUNDS = 20
const LARGE = 16_000_000
const UPLOAD: FieldPairs = [...POST, ['content-length', '9']]
/** They end a body that is shorter than announced. */
const TRAILERS = headers([['x-sum', 'nobody is told of this']])
const RESET = frame('RST_STREAM', 0, 1, uint32(NGHTTP2_NO_ERROR))
/** RFC 9113 §6.9: an error of the connection. */
const NO_INCREMENT = frame('WINDOW_UPDATE', 0, 0, uint32(0))

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

const cleanup: (() => unknown)[] = []
const { stackTraceLimit } = Error
beforeEach(() => {
  // The stack of an error keeps what it went through, for a while.
  Error.stackTraceLimit = 0
})
afterEach(async () => {
  Error.stackTraceLimit = stackTraceLimit
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

async function startFront(answer: (socket: Socket) => void): Promise<Front> {
  const origin = await StreamingOrigin.start(answer)
  cleanup.push(() => origin.stop())
  const front = await Front.start({ bluePort: origin.port })
  cleanup.push(() => front.stop())
  return front
}

/** Collects garbage in the same turn of the event loop in which what was sent just before is read. */
async function startCollector(): Promise<() => void> {
  const server = createServer((socket) => socket.on('data', collectGarbage))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1')
  await once(socket, 'connect')
  cleanup.push(() => {
    socket.destroy()
    server.close()
  })
  return () => socket.write('now')
}

/** Bytes that the kernel has not taken yet. */
function waitingFor({ connections }: Front): number {
  const [connection] = connections as unknown as Set<{ socket: { _handle: { writeQueueSize: number } } }>
  return connection?.socket._handle.writeQueueSize ?? 0
}

test.each([
  ['trailers', [headers(UPLOAD, { end: false }), frame('DATA', 0, 1, 'tea'), TRAILERS, RESET, NO_INCREMENT]],
  ['a head', [headers(UPLOAD), RESET, NO_INCREMENT]],
])('%s of a message of the wrong length, and the connection ends in the same read', async (_what, frames) => {
  const front = await startFront(() => {})
  const collect = await startCollector()
  for (let round = 0; round < ROUNDS; round++) {
    const client = await RawHttp2.open(front.port)
    await client.caughtUp()
    client.send(...frames)
    collect()
    await client.until(() => client.closed, 'the end')
    client.destroy()
  }
  expect(front.inFlight).toBe(0)
})

test('trailers of a body of the wrong length, while the answer is being written', async () => {
  const front = await startFront((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE}\r\n\r\n${'x'.repeat(LARGE)}`)
  })
  for (let round = 0; round < ROUNDS / 4; round++) {
    const client = await RawHttp2.connect(front.port)
    const widest = 2 ** 31 - 1
    client.send(
      Buffer.from(PREFACE),
      settings([INITIAL_WINDOW_SIZE, widest]),
      frame('WINDOW_UPDATE', 0, 0, uint32(2 ** 30)),
    )
    client.send(headers(UPLOAD, { end: false }), frame('DATA', 0, 1, 'tea'))
    client.socket.pause()
    await expect.poll(() => waitingFor(front), { timeout: 5_000 }).toBeGreaterThan(0)
    client.send(TRAILERS, RESET)
    await turns(20)
    client.socket.resetAndDestroy()
    await front.signal.until(() => front.connections.size === 0, 'the connection to end')
    await turns(5)
    collectGarbage()
  }
  expect(front.inFlight).toBe(0)
})
