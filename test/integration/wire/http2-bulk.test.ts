// Large bodies over HTTP/2: every byte in order whatever the reader's pace, nothing kept without bound, and what has come
// whole is handed on whole even when its connection goes.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { turns } from '../../support/signal.ts'
import { Http2Origin } from './http2-origin.ts'
import { Heard, rigTo } from './http2-rig.ts'
import { randomFrom } from './mutate.ts'
import { data, END_STREAM, goaway, headers, RawHttp2Upstream } from './raw-http2-upstream.ts'

const MIB = 1024 * 1024
const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

async function origin(answer: (stream: ServerHttp2Stream) => void): Promise<Http2Origin> {
  const started = await Http2Origin.start(answer, { early: true })
  cleanup.push(() => started.stop())
  return started
}

/** The same bytes for the same seed. */
function* pieces(total: number, size: number): Generator<Buffer> {
  const random = randomFrom(7)
  const piece = Buffer.allocUnsafe(size)
  for (let at = 0; at < size; at++) piece[at] = random(256)
  for (let sent = 0; sent < total; sent += size) {
    piece.writeUInt32BE(sent, 0)
    yield Buffer.from(piece.subarray(0, Math.min(size, total - sent)))
  }
}

function hashOf(total: number, size: number): string {
  const hash = createHash('sha1')
  for (const piece of pieces(total, size)) hash.update(piece)
  return hash.digest('hex')
}

async function sendAll(stream: ServerHttp2Stream, total: number, size: number): Promise<void> {
  for (const piece of pieces(total, size)) {
    if (stream.destroyed) return
    if (!stream.write(piece)) await once(stream, 'drain')
  }
  stream.end()
}

describe('64 MiB', () => {
  const total = 64 * MIB

  test.each([true, false])('from the upstream to a slow reader (bare: %s)', { timeout: 60_000 }, async (bareBody) => {
    let sent = 0
    const started = await origin((stream) => {
      stream.resume()
      stream.respond({ ':status': 200, ...(bareBody ? {} : { 'content-length': total }) })
      const write = stream.write.bind(stream) as (bytes: Buffer) => boolean
      stream.write = ((bytes: Buffer) => {
        sent += bytes.length
        return write(bytes)
      }) as typeof stream.write
      void sendAll(stream, total, 65_536)
    })
    const hash = createHash('sha1')
    let taken = 0
    let most = 0
    const got = started.ask({ bareBody })
    got.take = (bytes) => {
      hash.update(bytes)
      taken += bytes.length
      most = Math.max(most, sent - taken)
      // Every so often it has enough for a while.
      if (Math.floor(taken / MIB) === Math.floor((taken - bytes.length) / MIB)) return
      got.channel.pause()
      void turns(3).then(() => got.channel.resume())
    }
    await got.signal.until(() => got.ended > 0, 'the end', 50_000)
    expect(got.failure).toBeNull()
    expect([taken, hash.digest('hex')]).toEqual([total, hashOf(total, 65_536)])
    // Window, the kernel's buffers, and what the server wrote ahead.
    expect(most).toBeLessThan(8 * MIB)
  })

  test('to an upstream that reads slowly', { timeout: 60_000 }, async () => {
    const hash = createHash('sha1')
    let read = 0
    const started = await origin((stream) => {
      stream.on('data', (bytes: Buffer) => {
        hash.update(bytes)
        read += bytes.length
        if (Math.floor(read / MIB) === Math.floor((read - bytes.length) / MIB)) return
        stream.pause()
        void turns(3).then(() => stream.resume())
      })
      stream.on('end', () => stream.respond({ ':status': 204 }, { endStream: true }))
    })
    const got = started.ask({ method: 'PUT', fields: [`Content-Length: ${total}`], open: true })
    await got.signal.until(() => got.said.includes('connected'), 'the connection')
    let most = 0
    for (const piece of pieces(total, 65_536)) {
      const before = got.writable
      const flowing = got.channel.writeKept(piece)
      most = Math.max(most, got.channel.pending)
      if (!flowing) await got.signal.until(() => got.writable > before, 'room')
    }
    got.channel.requestFinished()
    expect(await got.end()).toBe('finished')
    expect([read, hash.digest('hex')]).toEqual([total, hashOf(total, 65_536)])
    expect(most).toBeLessThan(MIB)
  })
})

test('a paused answer holds its own upstream back, and no other stream of the connection', async () => {
  const started = await origin((stream) => {
    // Unread, Node's server resets what it answers slowly, instead of ending it.
    stream.resume()
    stream.respond({ ':status': 200 })
    void sendAll(stream, 4 * MIB, 65_536)
  })
  const slow = started.ask({ bareBody: true })
  let taken = 0
  slow.take = (bytes) => {
    taken += bytes.length
    slow.channel.pause()
  }
  expect(await slow.head()).toBe(200)
  let others = 0
  const all = Array.from({ length: 3 }, () => started.ask({ bareBody: true }))
  for (const got of all) {
    got.take = (bytes) => {
      others += bytes.length
    }
  }
  expect(await Promise.all(all.map((got) => got.end()))).toEqual(['finished', 'finished', 'finished'])
  expect(others).toBe(3 * 4 * MIB)
  expect(taken).toBeLessThan(MIB)
  slow.take = (bytes) => {
    taken += bytes.length
  }
  slow.channel.resume()
  expect(await slow.end()).toBe('finished')
  expect([taken, started.rig.connects]).toEqual([4 * MIB, 1])
})

test.each<[string, (socket: Socket) => void]>([
  ['closes', (socket) => socket.end()],
  ['resets', (socket) => socket.resetAndDestroy()],
  ['says GOAWAY with an error and closes', (socket) => socket.end(goaway(1, 2))],
])('an answer that has come whole survives an upstream that then %s the connection', async (_, leave) => {
  const text = 'tea '.repeat(4_000)
  const upstream = await RawHttp2Upstream.answering((stream) => [
    headers(stream, 0, [':status', '200']),
    ...Array.from({ length: 8 }, () => data(stream, 0, text)),
    headers(stream, END_STREAM, ['x-sum', '1']),
  ])
  const rig = rigTo(upstream.port)
  cleanup.push(
    () => rig.stop(),
    () => upstream.stop(),
  )
  const got = new Heard(rig.channels.acquire(true), { bareBody: true })
  let body = ''
  got.take = (bytes) => {
    body += bytes.toString('latin1')
    got.channel.pause()
  }
  await got.signal.until(() => body !== '', 'the first piece')
  await turns(10)
  for (const socket of upstream.sockets) leave(socket)
  await upstream.signal.until(() => upstream.sockets.size === 0, 'the end of the connection')
  await turns(10)
  expect(got.ended).toBe(0)
  while (got.ended === 0) {
    got.channel.resume()
    await turns(1)
  }
  expect([got.failure, body.length, got.trailers]).toEqual([null, 8 * text.length, 'x-sum: 1\r\n'])
  expect(body).toBe(text.repeat(8))
})

test('an answer that has come whole can still be let go of, and is when the upstream is taken out of service', async () => {
  const upstream = await RawHttp2Upstream.answering((stream) => [
    headers(stream, 0, [':status', '200']),
    data(stream, 0, 'one'),
    data(stream, END_STREAM, 'two'),
  ])
  const rig = rigTo(upstream.port)
  cleanup.push(
    () => rig.stop(),
    () => upstream.stop(),
  )
  const both = [new Heard(rig.channels.acquire(true)), new Heard(rig.channels.acquire(true))]
  for (const got of both) got.take = () => got.channel.pause()
  for (const got of both) await got.signal.until(() => got.batches > 0, 'the first piece')
  for (const socket of upstream.sockets) socket.destroy()
  await upstream.signal.until(() => upstream.sockets.size === 0, 'the end of the connection')
  await turns(10)
  both[0]?.channel.discard()
  rig.channels.closeAll()
  expect(both.map(({ ended, failure }) => [ended, failure?.kind])).toEqual([
    [0, undefined],
    [1, 'aborted'],
  ])
})
