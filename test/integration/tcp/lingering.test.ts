// The end of a session whose last words are still on their way.
import type net from 'node:net'
import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { TcpSession } from '../../../src/tcp/tcp-session.ts'
import { turns } from '../../support/signal.ts'
import { blue } from '../../support/simulated-pool.ts'
import { type Behaviour, TcpOrigin } from '../../support/tcp-origin.ts'
import { TcpRig } from '../../support/tcp-rig.ts'

const IDLE = 10_000

let origin: TcpOrigin
let standby: TcpOrigin
let rig: TcpRig
const begin = async (behave: Behaviour): Promise<void> => {
  origin = await TcpOrigin.start(behave)
  rig = await TcpRig.start({ blue: origin, green: standby, options: { idle: IDLE } })
}

beforeEach(async () => {
  standby = await TcpOrigin.start()
})
afterEach(() => rig.stop())

/** A client's socket that takes what it is given when a test says so: no kernel's buffer in between. */
class StuckSocket extends Duplex {
  readonly taken: string[] = []
  private readonly waiting: (() => void)[] = []

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.waiting.push(() => {
      this.taken.push(chunk.toString())
      done()
    })
  }

  takeOne(): void {
    this.waiting.shift()?.()
  }

  get stuck(): boolean {
    return this.waiting.length > 0
  }
}

function stuckClient(): StuckSocket {
  const socket = new StuckSocket()
  const end = { address: '192.0.2.1', port: 1 }
  const arrival = { client: end, local: end, secure: false, protocol: '', serverName: '', certificate: null } as const
  new TcpSession({ ...arrival, socket: socket as unknown as net.Socket }, rig.pool, {
    listener: 'front',
    onEnd: () => {},
  })
  return socket
}

describe('both sides have ended', () => {
  const bye: Behaviour = ({ socket }) => {
    socket.on('end', () => {
      socket.write('good')
      // Two writes of the proxy's, for they are read one after the other.
      turns(4).then(() => socket.end('bye'))
    })
  }
  const ended = async () => {
    await rig.until(() => rig.ledger(blue).tunnels === 1, 'the session')
    await rig.until(() => rig.ledger(blue).tunnels === 0, 'the upstream to be gone')
  }

  test('and the client takes nothing any more: it is found by the idle time', async () => {
    await begin(bye)
    const client = stuckClient()
    client.push(null)
    await ended()
    rig.clock.advance(IDLE - 100)
    expect(client.destroyed).toBe(false)
    rig.clock.advance(200)
    expect(client.destroyed).toBe(true)
    expect((await rig.record()).error).toBe('idle')
  })

  test('and the client is slow: as long as it takes something it gets everything', async () => {
    await begin(bye)
    const client = stuckClient()
    client.push(null)
    await ended()
    rig.clock.advance(IDLE - 100)
    client.takeOne()
    await rig.until(() => client.stuck, 'the next piece')
    rig.clock.advance(IDLE - 100)
    expect(client.destroyed).toBe(false)
    client.takeOne()
    expect((await rig.record()).error).toBeNull()
    expect(client.taken.join('')).toBe('goodbye')
  })
})

describe('the upstream has left for good', () => {
  const WORDS = Buffer.alloc(512 * 1024, 'word')
  /** Says all it has to say, and is gone: whatever comes then is answered by a reset. */
  const leaves: Behaviour = ({ socket }) => {
    socket.end(WORDS)
    socket.once('finish', () => socket.destroy())
  }

  async function drawReset(client: net.Socket): Promise<void> {
    await rig.until(() => rig.ledger(blue).counters.bytesOut === WORDS.length, 'the proxy to have read it all')
    await origin.until(() => origin.last?.closed, 'the upstream to be gone')
    // What is said to nobody draws a reset, and behind the end of the stream only saying more lets it show.
    await rig.until(() => {
      client.write('are you there?')
      return rig.ledger(blue).tunnels === 0
    }, 'the reset')
  }

  test('and all it said reaches a client that has not read it yet', async () => {
    await begin(leaves)
    const client = connect({ port: rig.port, host: '127.0.0.1', allowHalfOpen: true })
    let seen = 0
    let error: Error | null = null
    client.on('error', (problem) => {
      error = problem
    })
    await drawReset(client)
    client.on('data', (bytes) => {
      seen += bytes.length
    })
    await rig.until(() => client.readableEnded || error !== null, 'the end')
    expect({ seen, error }).toEqual({ seen: WORDS.length, error: null })
    client.end()
    expect((await rig.record()).error).toBeNull()
  })

  test('and the client does not notice: it is closed on after a while', async () => {
    await begin(leaves)
    const client = await rig.connect()
    await drawReset(client.socket)
    rig.clock.advance(1_900)
    expect(rig.records).toEqual([])
    rig.clock.advance(300)
    expect((await rig.record()).error).toBeNull()
  })

  test('and the client was held up in the middle of a word: it can finish', async () => {
    await begin(({ socket }) => {
      socket.end('no need to go on')
      socket.pause()
    })
    const client = await rig.connect()
    await client.signal.until(() => client.ending === 'end', 'the end of the upstream')
    const words = Buffer.alloc(64 * 1_048_576, 'word')
    client.socket.end(words)
    await rig.until(() => rig.ledger(blue).counters.bytesIn > 0, 'the first of it')
    await turns(200)
    origin.last?.socket.destroy()
    const { error, bytesIn } = await rig.record()
    expect({ error, bytesIn }).toEqual({ error: null, bytesIn: words.length })
  })
})

test('what a client has said to the end arrives, though it is gone when the answer comes', async () => {
  await begin(({ socket }) => {
    socket.pause()
  })
  const words = Buffer.alloc(256 * 1024, 'word')
  const client = await rig.connect()
  client.socket.end(words)
  await rig.until(() => rig.ledger(blue).counters.bytesIn === words.length, 'the proxy to have read it all')
  await turns(10)
  client.destroy()
  const heard = await origin.connection()
  // The first draws a reset, and behind the end of the stream that shows only when something is said again.
  heard.say('thank you')
  await rig.until(() => rig.ledger(blue).counters.bytesOut > 0, 'the proxy to have passed it on')
  await turns(10)
  heard.say('!')
  expect((await rig.record()).error).toBe('client-gone')
  heard.socket.resume()
  await origin.until(() => heard.bytes.length === words.length, 'all of it')
})
