// What the load generator may call a keep-alive race, and what it must call a failure of the proxy.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Connection, type Ending } from '../../../bench/load/connection.ts'

const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

let server: Server | undefined
afterEach(() => server?.close())

/** A server that treats the n-th request it reads with the n-th reaction, and the connection to it. */
const connectTo = async (
  ...reactions: ((socket: Socket) => void)[]
): Promise<{ peer: Promise<Socket>; port: number; connection: Connection }> => {
  const listening = createServer()
  server = listening
  const peer = new Promise<Socket>((resolve) => listening.once('connection', resolve))
  void peer.then((socket) => socket.on('error', () => {}).on('data', () => reactions.shift()?.(socket)))
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const { port } = listening.address() as AddressInfo
  return { peer, port, connection: new Connection(port) }
}

// From a timer, as the generator does.
const send = (connection: Connection, before: () => void = () => {}): Promise<Ending> =>
  new Promise((resolve) => {
    setTimeout(() => {
      before()
      connection.send(REQUEST, 2_000, resolve)
    }, 1)
  })

const answer = (socket: Socket) => socket.write(ANSWER)

describe('a connection that closes without an answer', () => {
  it('has raced when the close was already there as the request was written', async () => {
    const { peer, connection } = await connectTo(answer)
    expect((await send(connection)).error).toBeNull()
    const socket = await peer
    const ending = await send(connection, () => socket.destroy())
    expect(ending).toEqual({ error: 'keepalive-race', reused: true })
  })

  it('has failed when the request had been read', async () => {
    const { connection } = await connectTo(answer, (socket) => socket.end())
    expect((await send(connection)).error).toBeNull()
    expect(await send(connection)).toEqual({ error: 'closed', reused: true })
  })

  it('has failed when it was fresh', async () => {
    const { connection } = await connectTo((socket) => socket.destroy())
    expect(await send(connection)).toEqual({ error: 'closed', reused: false })
  })

  it('has truncated when part of an answer came', async () => {
    const { connection } = await connectTo((socket) => socket.end(ANSWER.slice(0, -1)))
    expect(await send(connection)).toEqual({ error: 'truncated', reused: false })
  })
})

describe('a connection that is refused', () => {
  it('says so', async () => {
    const { port, connection } = await connectTo(answer)
    await send(connection)
    connection.destroy()
    await new Promise((resolve) => server?.close(resolve))
    // Made and used in one turn, as the pool does.
    const ending = new Promise((resolve) => new Connection(port).send(REQUEST, 2_000, resolve))
    expect(await ending).toEqual({ error: 'refused', reused: false })
  })
})
