// Accepted sockets, however they came to be: all of what is sent is read, in order, and what is written arrives.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { acceptAdoptable } from '../../../src/wire/adopt.ts'
import { shared } from '../../../src/wire/read-buffers.ts'
import { Transport } from '../../../src/wire/transport.ts'
import { Signal } from '../../support/signal.ts'

const SIZE = 3_000_000
const OPTIONS = { noDelay: true, pauseOnConnect: true, allowHalfOpen: true }

let server: net.Server
afterEach(() => server.close())

/** Reads all, and says its digest at the end. */
class Digester {
  readonly ended = new Signal()
  closed = false
  steered = 0
  private readonly hash = createHash('sha256')
  private readonly transport: Transport

  constructor(socket: net.Socket) {
    this.transport = Transport.accept(this, socket)
  }

  onConnected(): void {}

  onBytes(bytes: Buffer, length: number): void {
    if (bytes === shared) this.steered++
    this.hash.update(bytes.subarray(0, length))
  }

  onReadEnd(): void {
    this.transport.writeText(this.hash.digest('hex'))
    this.transport.end()
  }

  onWritable(): void {}

  onClosed(): void {
    this.closed = true
    this.ended.notify()
  }
}

async function exchange(prepare: (accept: (socket: net.Socket) => void) => void): Promise<Digester> {
  const digesters: Digester[] = []
  const accept = (socket: net.Socket): void => void digesters.push(new Digester(socket))
  server = net.createServer(OPTIONS, accept)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  prepare(accept)
  const client = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
  const sent = randomBytes(SIZE)
  client.end(sent)
  let answer = ''
  for await (const chunk of client) answer += chunk
  expect(answer).toBe(createHash('sha256').update(sent).digest('hex'))
  const [digester] = digesters
  if (!digester) throw new Error('nobody arrived')
  await digester.ended.until(() => digester.closed, 'the end')
  return digester
}

test('made for it: no second socket is needed', async () => {
  const made: net.Socket[] = []
  const digester = await exchange((accept) => {
    const adoptable = acceptAdoptable(server, (socket) => {
      made.push(socket)
      accept(socket)
    })
    expect(adoptable).toBe(true)
  })
  expect(digester.steered).toBeGreaterThan(0)
  // The one that arrived is the one that was read.
  expect(made.map(({ bytesRead }) => bytesRead)).toEqual([SIZE])
})

test('one of a server that cannot make such: its handle is moved', async () => {
  const digester = await exchange(() => {
    const handle = (server as unknown as { _handle: { onconnection: unknown } })._handle
    const usual = handle.onconnection
    handle.onconnection = undefined
    expect(acceptAdoptable(server, () => expect.unreachable())).toBe(false)
    handle.onconnection = usual
  })
  expect(digester.steered).toBeGreaterThan(0)
})

test('a server that does not listen is left alone', () => {
  server = net.createServer()
  expect(acceptAdoptable(server, () => expect.unreachable())).toBe(false)
  expect(server.listening).toBe(false)
})

test('an error of the kernel goes its usual way', async () => {
  server = net.createServer(OPTIONS)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  acceptAdoptable(server, () => expect.unreachable())
  const { _handle } = server as unknown as { _handle: { onconnection(error: number): void } }
  const failed = once(server, 'error')
  _handle.onconnection(-24)
  expect((await failed)[0]).toMatchObject({ code: 'EMFILE', syscall: 'accept' })
})
