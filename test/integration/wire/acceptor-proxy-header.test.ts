/** Connections that say in a PROXY header whose they are. */
import { afterEach, describe, expect, it } from 'vitest'
import type { Arrival } from '../../../src/wire/arrival.ts'
import { localProxyHeader, proxyHeader } from '../../../src/wire/proxy-header-writer.ts'
import { Transport } from '../../../src/wire/transport.ts'
import { Doorway } from './support/doorway.ts'
import { client, every, headers, server } from './support/headers.ts'
import { untouched } from './support/untouched.ts'

let doorway: Doorway

const opened = async (...wanted: ConstructorParameters<typeof Doorway>): Promise<Doorway> => {
  doorway = new Doorway(...wanted)
  return doorway.open()
}

afterEach(() => doorway.close())

const headerFrom = (address: string): Buffer => proxyHeader('v1', { address, port: 1 }, server)

describe('a PROXY header', () => {
  it.each(['v1', 'v2'] as const)('of version %s says whose connection it is, and is not passed on', async (version) => {
    await opened({ proxyProtocol: 'either' })
    const visitor = await doorway.visit()
    await visitor.send(Buffer.concat([headers[version], Buffer.from('hello')]))
    const guest = await doorway.guest()
    expect(guest.arrival).toMatchObject({ client, local: server, secure: false, serverName: '' })
    expect(guest.paused).toBe(true)
    expect(guest.listeners).toEqual(await untouched())
    await guest.receives('hello')
    await visitor.send(' again')
    await guest.receives('hello again')
    expect(guest.received).toBe('hello again')
  })

  it.each(['v1', 'v2'] as const)('of version %s may come byte by byte', async (version) => {
    await opened({ proxyProtocol: version })
    const visitor = await doorway.visit()
    await visitor.send(headers[version], every(headers[version]))
    await visitor.send('hello')
    const guest = await doorway.guest()
    expect(guest.arrival).toMatchObject({ client, local: server })
    await guest.receives('hello')
    expect(guest.received).toBe('hello')
  })

  it.each(['hello', ''])('may come together with %j and the end of the connection', async (rest) => {
    await opened({ proxyProtocol: 'v1' })
    const visitor = await doorway.visit()
    visitor.socket.end(Buffer.concat([headers.v1, Buffer.from(rest)]))
    const guest = await doorway.guest()
    await guest.ends()
    expect(guest.received).toBe(rest)
    expect(guest.ending).toBe('end')
  })

  it.each(['hello', ''])('may come together with %j and the end, read by a transport', async (rest) => {
    const seen: string[] = []
    const ended = Promise.withResolvers<void>()
    const receive = ({ socket }: Arrival): void => {
      const transport: Transport = Transport.accept(
        {
          onConnected: () => {},
          onBytes: (bytes, length) => seen.push(bytes.toString('latin1', 0, length)),
          onReadEnd: () => {
            ended.resolve()
            transport.destroy()
          },
          onWritable: () => {},
          onClosed: () => {},
        },
        socket,
      )
    }
    await opened({ proxyProtocol: 'v1', receive })
    const visitor = await doorway.visit()
    visitor.socket.end(Buffer.concat([headers.v1, Buffer.from(rest)]))
    await ended.promise
    expect(seen.join('')).toBe(rest)
  })

  it('leaves the real ends when the proxy speaks for itself', async () => {
    await opened({ proxyProtocol: 'v2' })
    const visitor = await doorway.visit()
    await visitor.send(localProxyHeader('v2'))
    expect((await doorway.guest()).arrival).toMatchObject({
      client: { address: '127.0.0.1', port: visitor.socket.localPort },
      local: { address: '127.0.0.1', port: doorway.address.port },
    })
  })

  it.each([
    ['it is missing', 'GET / HTTP/1.1\r\n\r\n'],
    ['it is malformed', 'PROXY TCP4 192.0.2.01 198.51.100.7 1 2\r\n'],
    ['it is of another version', headers.v2],
  ])('is required: who comes without is turned away (%s)', async (_why, bytes) => {
    await opened({ proxyProtocol: 'v1' })
    const visitor = await doorway.visit()
    await visitor.send(bytes)
    await visitor.ends()
    await doorway.turnsAway({ proxyHeader: 1 })
    expect(doorway.guests).toEqual([])
    expect(doorway.acceptor.open).toBe(0)
  })

  it('is believed only of trusted proxies: anybody else is turned away before a byte is read', async () => {
    await opened({ proxyProtocol: 'either', trustsProxy: (address) => address === '127.0.0.2' })
    const stranger = await doorway.visit('127.0.0.3')
    await stranger.ends()
    await doorway.turnsAway({ proxyHeader: 1 })
    const proxy = await doorway.visit('127.0.0.2')
    await proxy.send(headers.v1)
    expect((await doorway.guest()).arrival.client).toEqual(client)
  })

  describe('that is optional', () => {
    const optional = { proxyProtocol: 'optional', trustsProxy: (peer: string) => peer === '127.0.0.2' } as const

    it.each(['127.0.0.2', '127.0.0.3'])('may be left out, by %s too', async (from) => {
      await opened({ ...optional, connectionsPerAddress: 1 })
      const visitor = await doorway.visit(from)
      await visitor.send('PROPFIND / HTTP/1.1\r\n', [1, 2, 3, 4, 5])
      const guest = await doorway.guest()
      expect(guest.arrival.client).toEqual({ address: from, port: visitor.socket.localPort })
      await guest.receives('PROPFIND / HTTP/1.1\r\n')
      expect(guest.received).toBe('PROPFIND / HTTP/1.1\r\n')
    })

    it('is believed of a trusted proxy, and closes the connection of anybody else', async () => {
      await opened(optional)
      const proxy = await doorway.visit('127.0.0.2')
      await proxy.send(headers.v2)
      expect((await doorway.guest()).arrival.client).toEqual(client)
      const stranger = await doorway.visit('127.0.0.3')
      await stranger.send(headers.v1)
      await stranger.ends()
      await doorway.turnsAway({ proxyHeader: 1 })
      expect(doorway.guests.length).toBe(1)
    })
  })

  it('decides to whose connections it counts', async () => {
    await opened({ proxyProtocol: 'v1', connectionsPerAddress: 1 })
    const send = async (address: string) => {
      const visitor = await doorway.visit()
      await visitor.send(headerFrom(address))
      return visitor
    }
    const first = await send('192.0.2.1')
    await send('192.0.2.2')
    await doorway.guest(1)
    const third = await send('192.0.2.1')
    await third.ends()
    await doorway.turnsAway({ address: 1 })
    first.socket.destroy()
    doorway.guests[0]?.socket.destroy()
    await doorway.has(1)
    await send('192.0.2.1')
    expect((await doorway.guest(2)).arrival.client.address).toBe('192.0.2.1')
  })
})
