// Exchanges in which time matters: events, tunnels, aborts, early answers, connections that are used again.
// The large bodies are in bulk.test.ts.

import { createHash } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { startProxy } from '../../support/proxy.ts'
import { RawClient } from '../../support/raw-client.ts'
import { echo, RecordingUpstream } from '../../support/recording-upstream.ts'
import { turns } from '../../support/signal.ts'
import { type Handler, StreamingOrigin } from '../../support/streaming-origin.ts'
import { valuesOf } from '../../support/strict-http.ts'
import { CALM } from './rig.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

async function before(upstreamPort: number): Promise<number> {
  const proxy = await startProxy({ upstreams: [{ name: 'blue', port: upstreamPort }], poolOverrides: CALM })
  cleanup.push(() => proxy.stop())
  return proxy.port
}
async function streaming(handler: Handler): Promise<{ origin: StreamingOrigin; port: number }> {
  const origin = await StreamingOrigin.start(handler)
  cleanup.push(() => origin.stop())
  return { origin, port: await before(origin.port) }
}
async function recording(): Promise<{ upstream: RecordingUpstream; port: number }> {
  const upstream = await RecordingUpstream.start()
  cleanup.push(() => upstream.stop())
  return { upstream, port: await before(upstream.port) }
}
async function client(port: number): Promise<RawClient> {
  const raw = await RawClient.connect(port)
  cleanup.push(() => raw.destroy())
  return raw
}
/** Resolves with what went wrong, if anything did. */
const writing = ({ socket }: RawClient, text: string): Promise<unknown> =>
  new Promise((written) => socket.write(text, written))
const get = (path: string, ...fields: string[]): string =>
  `GET ${path} HTTP/1.1\r\n${['Host: example.test', ...fields].join('\r\n')}\r\n\r\n`
const OK = 'HTTP/1.1 200 OK\r\n'

describe('server-sent events', () => {
  for (const [form, head, wrap] of [
    [
      'chunked',
      `${OK}Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n`,
      (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`,
    ],
    ['until close', `${OK}Content-Type: text/event-stream\r\n\r\n`, (text: string) => text],
  ] as const) {
    test(`arrive one by one, unbuffered (${form})`, async () => {
      let emit: (text: string) => void = () => undefined
      const { origin, port } = await streaming((socket) => {
        socket.write(head)
        emit = (text) => socket.write(wrap(text))
      })
      const reader = await client(port)
      await reader.send(get('/events'))
      await origin.signal.until(() => origin.requests === 1, 'the request')
      await reader.signal.until(() => reader.text.includes('\r\n\r\n'), 'the head before any event')
      for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
        emit(event)
        await reader.signal.until(() => reader.text.includes(event), JSON.stringify(event))
      }
      // A FIN alone could be a half-close; the reset says that nobody reads any more.
      reader.reset()
      await origin.signal.until(() => origin.sockets.size === 0, 'the upstream to be released')
    })
  }
})

describe('a WebSocket tunnel', () => {
  const accept = (head: string): string => {
    const key = /sec-websocket-key: *(\S+)/i.exec(head)?.[1] ?? ''
    const proof = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${proof}\r\n\r\n`
  }
  const ask = get(
    '/socket',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  )

  test('carries bytes both ways and each direction ends by itself', async () => {
    let heard = ''
    const { port } = await streaming((socket, head) => {
      socket.write(`${accept(head)}hello`)
      socket.on('data', (bytes: Buffer) => {
        heard += bytes.toString('latin1')
        socket.write(bytes)
      })
      socket.on('end', () => socket.end('bye'))
    })
    const peer = await client(port)
    await peer.send(ask)
    const head = await peer.response()
    expect(head.status).toBe(101)
    expect(valuesOf(head.fields, 'upgrade').join().toLowerCase()).toBe('websocket')
    expect(valuesOf(head.fields, 'connection').join().toLowerCase()).toContain('upgrade')
    await peer.signal.until(() => peer.text.endsWith('\r\n\r\nhello'), 'bytes sent together with the 101')
    const binary = String.fromCharCode(...Array(256).keys())
    await peer.send(binary)
    await peer.signal.until(() => peer.text.endsWith(`hello${binary}`), 'the echo')
    peer.halfClose()
    expect(await peer.closed()).toBe('end')
    expect(peer.text.endsWith(`${binary}bye`)).toBe(true)
    expect(heard).toBe(binary)
  })

  test('carries 8 MiB each way at the same time', async () => {
    const { port } = await streaming((socket, head) => {
      socket.write(accept(head))
      socket.pipe(socket)
    })
    const peer = await client(port)
    await peer.send(ask)
    await peer.response()
    peer.forget()
    const block = Buffer.alloc(8 * 1024 * 1024, 'understudy')
    await peer.send(block)
    await peer.signal.until(() => peer.text.length >= block.length, 'the whole echo', 15_000)
    expect(createHash('sha1').update(peer.text, 'latin1').digest('hex')).toBe(
      createHash('sha1').update(block).digest('hex'),
    )
  })

  test('ends for the client when the upstream resets it', async () => {
    let drop: () => void = () => undefined
    const { port } = await streaming((socket, head) => {
      socket.write(accept(head))
      drop = () => socket.resetAndDestroy()
    })
    const peer = await client(port)
    await peer.send(ask)
    await peer.response()
    drop()
    await peer.closed()
  })

  test('ends for the upstream when the client is gone', async () => {
    const { origin, port } = await streaming((socket, head) => {
      socket.write(accept(head))
      socket.on('end', () => socket.end())
    })
    const peer = await client(port)
    await peer.send(ask)
    await peer.response()
    peer.reset()
    await origin.signal.until(() => origin.sockets.size === 0, 'the upstream side to close')
  })

  test('does not open when the upstream declines', async () => {
    const { upstream, port } = await recording()
    const peer = await client(port)
    await peer.send(ask)
    expect((await peer.response()).status).toBe(200)
    expect(upstream.arrived.length).toBe(1)
  })
})

describe('a client that goes away', () => {
  test('by a reset cancels the upstream request promptly', async () => {
    const { origin, port } = await streaming(() => undefined)
    const gone = await client(port)
    await gone.send(get('/wait'))
    await origin.signal.until(() => origin.requests === 1, 'the request')
    // Not `destroy()`: a FIN alone could be a half-close, whose sender still wants the answer.
    gone.reset()
    await origin.signal.until(() => origin.sockets.size === 0, 'the upstream request to be cancelled', 1_000)
  })

  test('in the middle of an answer cancels the upstream request promptly', async () => {
    const { origin, port } = await streaming((socket) => {
      socket.write(`${OK}Content-Length: 100000000\r\n\r\n`)
      const more = (): boolean => !socket.destroyed && socket.write(Buffer.alloc(65_536), () => setImmediate(more))
      more()
    })
    const gone = await client(port)
    await gone.send(get('/long'))
    await gone.signal.until(() => gone.text.length > 200_000, 'part of the answer')
    gone.destroy()
    await origin.signal.until(() => origin.sockets.size === 0, 'the upstream request to be cancelled', 1_000)
  })

  test('in the middle of its body leaves an incomplete request at the upstream', async () => {
    const { upstream, port } = await recording()
    const gone = await client(port)
    await gone.send('POST /body HTTP/1.1\r\nHost: example.test\r\nContent-Length: 1000000\r\n\r\nbegin')
    gone.reset()
    const over = () => [...upstream.connections].every((connection) => connection.ending !== 'open')
    await upstream.until(over, 'the upstream connection to close', 1_000)
    expect(upstream.arrived).toEqual([])
  })

  test('only for writing still gets its answer', async () => {
    const { upstream, port } = await recording()
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    upstream.script = (request) => ({ ...echo(request), before: gate })
    const half = await client(port)
    await half.send(get('/half'))
    half.halfClose()
    await upstream.until(() => upstream.arrived.length === 1, 'the request')
    await turns(10)
    release()
    expect((await half.response()).status).toBe(200)
    expect(await half.closed()).toBe('end')
  })
})

describe('an upstream', () => {
  test('that resets in mid-body is visible to the client', async () => {
    let drop: () => void = () => undefined
    const { port } = await streaming((socket) => {
      socket.write(`${OK}Content-Length: 1000000\r\n\r\n${'b'.repeat(300_000)}`)
      drop = () => socket.resetAndDestroy()
    })
    const reader = await client(port)
    await reader.send(get('/cut'))
    await reader.signal.until(() => reader.text.length > 300_000, 'part of the body')
    drop()
    await reader.closed()
    expect(reader.read().finals).toEqual([])
    expect(reader.text).not.toContain('Understudy-Error')
  })

  test('that answers before the request body is finished is heard at once, and both sides close', async () => {
    const { origin, port } = await streaming((socket) => {
      socket.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig')
      socket.resume()
      socket.on('end', () => socket.end())
    })
    const sender = await client(port)
    await sender.send('POST /big HTTP/1.1\r\nHost: example.test\r\nContent-Length: 1000000\r\n\r\nbegin')
    const response = await sender.response()
    expect([response.status, response.body]).toEqual([413, 'big'])
    await sender.closed()
    await origin.signal.until(() => origin.sockets.size === 0, 'the upstream connection to close')
  })

  test('that closes its connection costs the client nothing', async () => {
    const { upstream, port } = await recording()
    upstream.script = (request) => {
      const { bytes } = echo(request)
      return { bytes: String(bytes).replace('\r\n', '\r\nConnection: close\r\n'), after: 'end' }
    }
    const reader = await client(port)
    await reader.send(get('/1'))
    expect(valuesOf((await reader.response()).fields, 'connection').join()).not.toMatch(/close/i)
    reader.forget()
    await reader.send(get('/2'))
    expect((await reader.response()).body).toBe('GET /2 [0] ')
    expect(upstream.accepted).toBe(2)
  })
})

describe('connections', () => {
  test('to the upstream are used again, by one client and by several', async () => {
    const { upstream, port } = await recording()
    for (let index = 0; index < 10; index++) {
      const reader = await client(port)
      for (let again = 0; again < 5; again++) {
        reader.forget()
        await reader.send(get(`/${index}/${again}`))
        expect((await reader.response()).status).toBe(200)
      }
    }
    expect(upstream.arrived.length).toBe(50)
    expect(upstream.accepted).toBeLessThanOrEqual(2)
  })

  test('from a client that says close are closed, the upstream one is kept', async () => {
    const { upstream, port } = await recording()
    for (let index = 0; index < 5; index++) {
      const reader = await client(port)
      await reader.send(get(`/${index}`, 'Connection: close'))
      const response = await reader.response()
      expect(valuesOf(response.fields, 'connection').join().toLowerCase()).toBe('close')
      expect(await reader.closed()).toBe('end')
    }
    expect(upstream.accepted).toBeLessThanOrEqual(2)
  })

  test('from a client that says close end without waiting for the client', async () => {
    const { port } = await recording()
    const reader = await client(port)
    await reader.send(get('/1', 'Connection: close'))
    expect((await reader.response()).status).toBe(200)
    expect(await reader.closed()).toBe('end')
    // Nobody is there any more: the first byte is answered with a reset, which the second write finds.
    await writing(reader, 'G')
    expect(await writing(reader, 'E')).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) })
  })

  test('on which something may still be coming are read until the client has ended too', async () => {
    const { port } = await recording()
    const sender = await client(port)
    await sender.send('POST /form HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\nContent-Length: 3\r\n\r\na=b')
    expect((await sender.response('POST')).status).toBe(200)
    await sender.signal.until(() => sender.socket.readableEnded, 'the end of the answer')
    // Some clients end their bodies like that.
    expect(await writing(sender, '\r')).toBeFalsy()
    expect(await writing(sender, '\n')).toBeFalsy()
  })

  test('stay usable after HEAD', async () => {
    const { port } = await recording()
    const reader = await client(port)
    await reader.send('HEAD /head HTTP/1.1\r\nHost: example.test\r\n\r\n')
    const head = await reader.response('HEAD')
    expect(valuesOf(head.fields, 'content-length')).toEqual([String('HEAD /head [0] '.length)])
    await reader.send(get('/after'))
    const both = await reader.responses(2, ['HEAD', 'GET'])
    expect(both[1]?.body).toBe('GET /after [0] ')
  })

  test('answer pipelined requests in order when the first is slow', async () => {
    const { upstream, port } = await recording()
    upstream.script = (request) => ({ ...echo(request), ...(request.target === '/1' ? { before: turns(50) } : {}) })
    const reader = await client(port)
    await reader.send(get('/1') + get('/2') + get('/3'))
    const bodies = (await reader.responses(3)).map((response) => response.body)
    expect(bodies).toEqual(['GET /1 [0] ', 'GET /2 [0] ', 'GET /3 [0] '])
  })

  test('that carry unasked bytes from an idle upstream are thrown away', async () => {
    const { upstream, port } = await recording()
    const reader = await client(port)
    await reader.send(get('/1'))
    await reader.response()
    reader.forget()
    const [idle] = upstream.connections
    idle?.socket.write(`${OK}Content-Length: 4\r\n\r\nEVIL`)
    await upstream.until(() => idle?.ending !== 'open', 'the poisoned connection to close')
    await reader.send(get('/2'))
    expect((await reader.response()).body).toBe('GET /2 [0] ')
  })
})

describe('Expect: 100-continue', () => {
  const ask = 'POST /expect HTTP/1.1\r\nHost: example.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n'

  test('brings a 100 before the body is sent, then the answer', async () => {
    const { upstream, port } = await recording()
    const sender = await client(port)
    await sender.send(ask)
    await sender.signal.until(() => sender.read().interims.length > 0, '100 Continue')
    expect(sender.read().interims[0]?.status).toBe(100)
    expect(upstream.arrived).toEqual([])
    await sender.send('hello')
    expect((await sender.response()).body).toBe('POST /expect [5] hello')
    expect(sender.read().interims.length).toBe(1)
  })

  test('is answered by a final status when the upstream declines', async () => {
    const { port } = await streaming((socket) => {
      socket.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno')
      socket.on('end', () => socket.end())
    })
    const sender = await client(port)
    await sender.send(ask)
    expect((await sender.response()).status).toBe(401)
  })
})
