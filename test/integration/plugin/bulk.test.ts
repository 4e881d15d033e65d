// Long bodies through an application: every byte, and no more of them in memory than the slower side takes.
import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { Stream, StreamingOrigin } from '../../support/streaming-origin.ts'
import { Gate, whole } from '../http/support/answers.ts'
import { head, ShopApp, type ShopOptions } from './support/shop-app.ts'

let shop: ShopApp
const serve = async (options: ShopOptions = {}): Promise<ShopApp> => {
  shop = await ShopApp.build(options)
  await shop.listen()
  return shop
}
afterEach(() => shop.stop())

const MEBIBYTE = 1_048_576
const NOBODY = { name: 'nobody', url: 'http://127.0.0.1:9' }

describe('16 MiB', () => {
  test('come whole to a client that reads slowly, whose upstream waits meanwhile', async () => {
    const total = 16 * MEBIBYTE
    const stream = new Stream(total, 3)
    const origin = await StreamingOrigin.start((socket, text) => {
      if (text.includes('probe')) return void socket.end(String(whole(200, 'well').bytes))
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`)
      stream.pump(socket, () => {})
    })
    await serve({ pool: { upstreams: [{ name: 'blue', url: `http://127.0.0.1:${origin.port}` }, NOBODY] } })
    const socket = connect({ port: shop.port, host: '127.0.0.1' })
    socket.pause()
    socket.write(head('GET /large HTTP/1.1', 'Connection: close'))
    await stream.signal.until(() => stream.blocked, 'the upstream to wait')
    expect(stream.written).toBeLessThan(total)
    const hash = createHash('sha1')
    let seen = Buffer.alloc(0)
    let received = -1
    for await (const chunk of socket) {
      if (received >= 0) {
        hash.update(chunk)
        received += chunk.length
        continue
      }
      seen = Buffer.concat([seen, chunk])
      const end = seen.indexOf('\r\n\r\n')
      if (end < 0) continue
      hash.update(seen.subarray(end + 4))
      received = seen.length - end - 4
    }
    expect([received, hash.digest('hex')]).toEqual([total, stream.digest])
    await origin.stop()
  })

  test('come whole to an upstream that reads slowly, whose client waits meanwhile', async () => {
    const total = 16 * MEBIBYTE
    const gate = new Gate()
    const hash = createHash('sha1')
    let received = 0
    const origin = await StreamingOrigin.start((socket, text, rest) => {
      if (text.includes('probe')) return void socket.end(String(whole(200, 'well').bytes))
      const take = (bytes: Buffer): void => {
        hash.update(bytes)
        received += bytes.length
        if (received === total) socket.write(String(whole(200, hash.digest('hex')).bytes))
      }
      take(rest)
      socket.pause()
      socket.on('data', take)
      gate.opened.then(() => socket.resume())
    })
    await serve({
      pool: {
        upstreams: [{ name: 'blue', url: `http://127.0.0.1:${origin.port}` }, NOBODY],
      },
    })
    const client = await shop.connect()
    await client.send(head('POST /up HTTP/1.1', `Content-Length: ${total}`))
    const stream = new Stream(total, 5)
    stream.pump(client.socket, () => {})
    await stream.signal.until(() => stream.blocked, 'the client to wait')
    expect(stream.written).toBeLessThan(total)
    gate.open()
    expect((await client.response('POST', 10_000)).body).toBe(stream.digest)
    await origin.stop()
  })
})
