/** The server's side of TLS: what is handed over, and what is refused. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { resetSecured } from '../../../src/wire/server-tls.ts'
import { clientHello, closed, readToEnd, TlsClient } from './support/tls-door.ts'
import { ca, main, only, open, shop, VERSIONS } from './support/tls-setting.ts'

describe.each(VERSIONS)('with %s, a handshake', (version) => {
  const asMain = { ca, servername: 'main.test', ...only(version) }

  it('ends in a socket that is paused and has lost nothing', async () => {
    const door = await open()
    const client = door.connect(asMain)
    const bulk = 'x'.repeat(500_000)
    // Written before the handshake is over, so that it comes right behind it.
    client.socket.write('early ')
    client.socket.end(bulk)
    const { socket } = await door.secured()
    expect(socket.isPaused()).toBe(true)
    await vi.waitFor(() => expect(socket.readableLength).toBeGreaterThan(10_000))
    expect(await readToEnd(socket)).toBe(`early ${bulk}`)
  })

  it('takes bytes that were read before and put back', async () => {
    const door = await open({}, (socket, handshake) => {
      socket.once('data', (bytes: Buffer) => {
        socket.pause()
        // In two pieces, as after a header in front of it.
        socket.unshift(bytes.subarray(10))
        socket.unshift(bytes.subarray(0, 10))
        handshake()
      })
      socket.resume()
    })
    const client = await door.connect(asMain).connected()
    const { socket } = await door.secured()
    socket.end('hello')
    await client.gone()
    expect(client).toMatchObject({ text: 'hello', error: '' })
  })

  it('leaves each side free to go on after the other has finished', async () => {
    const door = await open()
    const client = await door.connect({ ...asMain, allowHalfOpen: true }).connected()
    const { socket } = await door.secured()
    client.socket.end('question')
    expect(await readToEnd(socket)).toBe('question')
    expect(socket.writable).toBe(true)
    socket.end('answer'.repeat(50_000))
    expect(await client.gone()).toBe('')
    expect(client.text).toBe('answer'.repeat(50_000))

    const second = await door.connect({ ...asMain, allowHalfOpen: true }).connected()
    const { socket: other } = await door.secured(1)
    other.end('done')
    await second.signal.until(() => second.ended, 'the end of what the server says')
    second.socket.end('but I am not')
    expect(await readToEnd(other)).toBe('but I am not')
  })

  it('that a client leaves fails once, in a few words', async () => {
    const hello = await clientHello(asMain)
    const leave: ((socket: net.Socket) => void)[] = [(socket) => socket.end(), (socket) => socket.resetAndDestroy()]
    for (const [index, how] of leave.entries()) {
      const door = await open()
      const client = door.connectPlain()
      client.write(hello)
      // The server has answered, and waits for the client's last word.
      await once(client, 'data')
      how(client)
      expect(await door.failure(), `${index}`).toBe('the client left during the TLS handshake')
      const accepted = door.accepted[0]
      if (accepted) await closed(accepted)
      expect(door.results).toHaveLength(1)
    }
  })

  it('gives up a connection whose encryption is broken afterwards', async () => {
    const door = await open()
    const raw = door.connectPlain()
    const client = await new TlsClient(tls.connect({ socket: raw, ...asMain })).connected()
    const { socket } = await door.secured()
    socket.resume()
    raw.write(Buffer.from('1703030020'.padEnd(74, '5'), 'hex'))
    await closed(socket)
    expect(door.accepted[0]?.destroyed).toBe(true)
    await client.gone()
  })

  it('can be followed by a reset, which nobody takes for a regular end', async () => {
    const door = await open()
    const client = await door.connect(asMain).connected()
    const { socket } = await door.secured()
    socket.resume().write('half of an ans')
    await client.signal.until(() => client.text !== '', 'the beginning of an answer')
    resetSecured(socket)
    expect(await client.gone()).toMatch(/^ECONNRESET/)
    expect(client.ended).toBe(false)
    expect(socket.destroyed).toBe(true)
    resetSecured(socket)
  })
})

describe('the protocol', () => {
  it.each([
    [['h2', 'http/1.1'], ['http/1.1', 'h2'], 'h2'],
    [['http/1.1', 'h2'], ['h2', 'http/1.1'], 'http/1.1'],
    [['h2', 'http/1.1'], ['http/1.1'], 'http/1.1'],
    [['http/1.1'], [], ''],
    [[], ['h2', 'http/1.1'], ''],
  ] as const)('is, where the server has %j and the client %j, %j', async (alpn, offered, agreed) => {
    const door = await open({ alpn, certificates: [main, shop] })
    await door.connect({ ca, servername: 'shop.test', ALPNProtocols: [...offered] }).connected()
    expect((await door.secured()).protocol).toBe(agreed)
  })

  it.each(VERSIONS)('that cannot be agreed on ends the handshake with an alert (%s)', async (version) => {
    const door = await open({ alpn: ['h2'] })
    const client = door.connect({ ca, servername: 'main.test', ALPNProtocols: ['spdy/3'], ...only(version) })
    expect(await client.gone()).toMatch(/NO_APPLICATION_PROTOCOL/)
    expect(await door.failure()).toBe('the TLS handshake failed: no application protocol')
  })
})

describe('old TLS', () => {
  it.each([
    ['TLSv1.2', 'TLSv1.1'],
    ['TLSv1.3', 'TLSv1.2'],
  ] as const)('is refused: from %s on, %s', async (minVersion, version) => {
    const door = await open({ minVersion })
    // Clients of today need to be lowered to speak it at all.
    const client = door.connect({ ca, servername: 'main.test', ciphers: 'DEFAULT@SECLEVEL=0', ...only(version) })
    expect(await client.gone()).toMatch(/PROTOCOL_VERSION/)
    expect(await door.failure()).toBe('the TLS handshake failed: unsupported protocol')
  })

  it.each(['ECDHE-ECDSA-AES128-SHA', 'ECDHE-ECDSA-AES256-SHA384', 'AES128-GCM-SHA256'])(
    'is refused: the cipher %s',
    async (cipher) => {
      const door = await open()
      const client = door.connect({ ca, servername: 'main.test', ciphers: cipher, ...only('TLSv1.2') })
      expect(await client.gone()).toMatch(/HANDSHAKE_FAILURE/)
      expect(await door.failure()).toBe('the TLS handshake failed: no shared cipher')
    },
  )

  it('is refused: renegotiation', async () => {
    const door = await open()
    const client = await door.connect({ ca, servername: 'main.test', ...only('TLSv1.2') }).connected()
    const { socket } = await door.secured()
    socket.resume()
    client.socket.renegotiate({}, () => {})
    await Promise.all([client.gone(), closed(socket)])
  })
})

describe('the cipher', () => {
  it.each([
    ['the server prefers', 'AES256-GCM-SHA384', 'AES128-GCM-SHA256', 'AES128-GCM-SHA256'],
    ['helps a client without AES in hardware', 'CHACHA20-POLY1305', 'AES128-GCM-SHA256', 'CHACHA20-POLY1305'],
  ])('is the one that %s: from %s and %s, %s', async (_, first, second, chosen) => {
    const door = await open({ certificates: [main, shop] })
    const ciphers = `ECDHE-ECDSA-${first}:ECDHE-ECDSA-${second}`
    const client = await door.connect({ ca, servername: 'shop.test', ciphers, ...only('TLSv1.2') }).connected()
    expect(client.socket.getCipher().name).toBe(`ECDHE-ECDSA-${chosen}`)
  })
})

describe('a connection without TLS', () => {
  it.each([
    ['a request in plain HTTP', 'GET / HTTP/1.1\r\nHost: main.test\r\n\r\n', 'the TLS handshake failed: http request'],
    ['noise', '\x00'.repeat(64), 'the TLS handshake failed: wrong version number'],
  ])('fails: %s', async (_, bytes, text) => {
    const door = await open()
    door.connectPlain().write(bytes)
    expect(await door.failure()).toBe(text)
    await door.signal.until(() => door.accepted[0]?.destroyed || undefined, 'the end of the connection')
  })

  it.each(['end', 'destroy', 'resetAndDestroy'] as const)('fails when it says nothing and goes: %s', async (how) => {
    const door = await open()
    const client = door.connectPlain()
    client.once('connect', () => client[how]())
    expect(await door.failure()).toBe('the client left during the TLS handshake')
    expect(door.results).toHaveLength(1)
  })

  it('fails when this side has no more patience with it', async () => {
    const door = await open()
    door.connectPlain().write('\x16\x03\x01')
    const accepted = await door.signal.until(() => door.accepted[0], 'the connection')
    accepted.destroy()
    expect(await door.failure()).toBe('the client left during the TLS handshake')
    expect(door.results).toHaveLength(1)
  })

  it.each(VERSIONS)('fails when it was gone before the handshake, but not at once (%s)', async (minVersion) => {
    const door = await open({ minVersion }, (socket, handshake) => {
      socket.destroy().once('close', () => {
        handshake()
        expect(door.results).toHaveLength(0)
      })
    })
    door.connectPlain()
    expect(await door.failure()).toBe('the client left during the TLS handshake')
  })
})

describe('through a unix socket', () => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-tls-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('a handshake is like any other, and a reset at least no regular end', async () => {
    const door = await open({}, undefined, join(folder, 'door'))
    const raw = net.connect(door.path)
    const client = await new TlsClient(tls.connect({ socket: raw, ca, servername: 'main.test' })).connected()
    const { socket } = await door.secured()
    resetSecured(socket)
    await client.gone()
    expect(socket.destroyed).toBe(true)
  })
})
