// One session, both sides well: what passes, how it ends, and what is left of it.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { blue } from '../../support/simulated-pool.ts'
import { Stream, settled } from '../../support/streaming-origin.ts'
import { type Behaviour, echoes, greets, silent, TcpOrigin } from '../../support/tcp-origin.ts'
import { type RigOptions, TcpRig } from '../../support/tcp-rig.ts'

let origin: TcpOrigin
let standby: TcpOrigin
let rig: TcpRig
const begin = async (behave: Behaviour, options: Partial<RigOptions> = {}): Promise<void> => {
  origin = await TcpOrigin.start(behave)
  rig = await TcpRig.start({ blue: origin, green: standby, ...options })
}

beforeEach(async () => {
  standby = await TcpOrigin.start()
})
afterEach(() => rig.stop())

const MEGABYTES = 1_048_576
/** More than all buffers of the kernel between two processes. */
const MUCH = 256 * MEGABYTES

/** Reads in small steps, so that everything before it has to wait. */
async function readSlowly(socket: Socket, total: number, read: (bytes: Buffer) => void): Promise<void> {
  let seen = 0
  socket.pause()
  while (seen < total) {
    const bytes: Buffer | null = socket.read()
    if (bytes === null) {
      await once(socket, 'readable')
      continue
    }
    read(bytes)
    seen += bytes.length
    await new Promise((resolve) => setImmediate(resolve))
  }
}

describe('bytes', () => {
  test('16 MiB come back unchanged through a slow reader', async () => {
    await begin(echoes)
    const client = connect({ port: rig.port, host: '127.0.0.1', allowHalfOpen: true })
    const sent = new Stream(16 * MEGABYTES)
    const back = new Stream(0)
    sent.pump(client, () => client.end())
    await readSlowly(client, 16 * MEGABYTES, (bytes) => back.hash.update(bytes))
    expect(back.hash.digest('hex')).toBe(sent.digest)
    expect(await rig.record()).toMatchObject({ bytesIn: 16 * MEGABYTES, bytesOut: 16 * MEGABYTES, error: null })
    expect(rig.ledger(blue).counters).toMatchObject({ bytesIn: 16 * MEGABYTES, bytesOut: 16 * MEGABYTES, sessions: 1 })
    client.destroy()
  })

  test.each(['client', 'upstream'] as const)('a sender is held up when the %s does not read', async (reader) => {
    const sent = new Stream(MUCH)
    await begin(({ socket }) => {
      if (reader === 'upstream') socket.pause()
      else sent.pump(socket, () => socket.end())
    })
    const client = connect({ port: rig.port, host: '127.0.0.1' })
    if (reader === 'client') client.pause()
    else sent.pump(client, () => client.end())
    // What the kernel's buffers on the way take is not known; that it comes to a stop shows that nothing else takes more.
    expect(await settled(() => sent.written)).toBeGreaterThan(0)
    expect(sent.written).toBeLessThan(MUCH)
    client.destroy()
  })

  test('many sessions at a time keep theirs apart', async () => {
    await begin(echoes)
    const clients = await Promise.all(Array.from({ length: 50 }, () => rig.connect()))
    await Promise.all(clients.map((client, index) => client.send(`I am ${index}.`.repeat(index + 1), [3, 5, 8])))
    await Promise.all(
      clients.map(async (client, index) => {
        const all = `I am ${index}.`.repeat(index + 1)
        await client.signal.until(() => client.text.length >= all.length, 'its echo')
        expect(client.text).toBe(all)
      }),
    )
    expect(rig.listener.open).toBe(50)
    expect(rig.ledger(blue).tunnels).toBe(50)
  })
})

describe('the end of one side', () => {
  test('of the client passes on, and the upstream still answers', async () => {
    await begin(({ socket }) => {
      socket.on('end', () => socket.end('all heard'))
    })
    const client = await rig.connect()
    await client.send('the question')
    client.halfClose()
    expect(await client.closed()).toBe('end')
    expect(client.text).toBe('all heard')
    expect((await origin.connection()).text).toBe('the question')
    expect((await rig.record()).error).toBeNull()
  })

  test('of the upstream passes on, and it still hears the client', async () => {
    await begin(({ socket }) => socket.end('welcome, and not a word more'))
    const client = await rig.connect()
    expect(await client.closed()).toBe('end')
    expect(client.text).toBe('welcome, and not a word more')
    client.socket.write('to whom it may concern')
    client.halfClose()
    const heard = await origin.connection()
    await origin.until(() => heard.ending === 'end', 'the end of the client')
    expect(heard.text).toBe('to whom it may concern')
    expect((await rig.record()).error).toBeNull()
  })

  test('a client that only ends, without a word, is passed on too', async () => {
    await begin(({ socket }) => {
      socket.on('end', () => socket.end('nothing asked'))
    })
    const client = await rig.connect()
    client.halfClose()
    expect(await client.closed()).toBe('end')
    expect(client.text).toBe('nothing asked')
  })

  test('a reset of the upstream is passed on as one', async () => {
    await begin(greets('hello'))
    const client = await rig.greeted('hello')
    ;(await origin.connection()).reset()
    expect(await client.closed()).toBe('reset')
    expect((await rig.record()).error).toBe('upstream-reset')
    expect(rig.runtime.counters.lost.get('upstream-reset')).toBe(1)
  })

  test('a reset of the client is passed on as one', async () => {
    await begin(greets('hello'))
    const client = await rig.greeted('hello')
    client.reset()
    const heard = await origin.connection()
    await origin.until(() => heard.ending === 'reset', 'the reset')
    expect((await rig.record()).error).toBe('client-gone')
    expect(rig.listener.open).toBe(0)
  })
})

describe('silence', () => {
  test('ends a session once nothing has passed for the idle time, and not while something does', async () => {
    await begin(echoes, { options: { idle: 10_000 } })
    const client = await rig.connect()
    for (let round = 1; round <= 3; round++) {
      await client.send('x')
      await client.signal.until(() => client.text.length === round, 'the echo')
      rig.clock.advance(9_000)
    }
    expect(client.ending).toBe('open')
    rig.clock.advance(2_000)
    await client.closed()
    expect((await rig.record()).error).toBe('idle')
    await origin.until(() => origin.open.length === 0, 'the upstream to be closed')
  })

  test('of both sides from the beginning ends it as well', async () => {
    await begin(silent, { options: { idle: 10_000 } })
    const client = await rig.connect()
    await rig.until(() => rig.ledger(blue).tunnels === 1, 'the session')
    rig.clock.advance(10_200)
    await client.closed()
    expect((await rig.record()).error).toBe('idle')
    expect(rig.ledger(blue).tunnels).toBe(0)
  })
})

describe('unix sockets', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'understudy-tcp-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  test('serve on both sides, half-closes included', async () => {
    const path = join(folder, 'front.sock')
    origin = await TcpOrigin.start(echoes, { path: join(folder, 'blue.sock') })
    rig = await TcpRig.start({ blue: origin, green: standby, listener: { listen: { kind: 'unix', path } } })
    const client = connect({ path, allowHalfOpen: true })
    let text = ''
    client.on('data', (bytes) => {
      text += bytes
    })
    client.end('over a path')
    await once(client, 'close')
    expect(text).toBe('over a path')
    expect(await rig.record()).toMatchObject({ client: 'unix', error: null })
  })
})

test('a session leaves one record behind, with who served it and how much passed', async () => {
  await begin(greets('hello'))
  const client = await rig.greeted('hello')
  await client.send('bye')
  client.halfClose()
  const { socket } = await origin.connection()
  await once(socket, 'end')
  rig.clock.advance(1_500)
  socket.end()
  expect(await rig.record()).toEqual({
    listener: 'front',
    client: '127.0.0.1',
    pool: 'db',
    upstream: blue,
    epoch: 1,
    bytesIn: 3,
    bytesOut: 5,
    duration: 1_500,
    attempts: [],
    rescued: null,
    error: null,
  })
  expect(rig.records).toHaveLength(1)
  expect(rig.runtime.counters.durations.count).toBe(0)
  expect(rig.ledger(blue)).toMatchObject({ tunnels: 0, inFlight: 0 })
  expect(rig.ledger(blue).counters.connects).toBe(1)
})
