/** Encrypted connections: decrypted on their way in, or looked at and passed through. */
import { once } from 'node:events'
import net from 'node:net'
import { Duplex } from 'node:stream'
import tls from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import type { Arrival } from '../../../src/wire/arrival.ts'
import type { Secured, ServerTls } from '../../../src/wire/server-tls.ts'
import { certificate } from '../../support/self-signed.ts'
import { nodeHello } from '../../unit/wire/support/hellos.ts'
import { Doorway, serverTls } from './support/doorway.ts'
import { client, every, headers } from './support/headers.ts'

let doorway: Doorway

const opened = async (...wanted: ConstructorParameters<typeof Doorway>): Promise<Doorway> => {
  doorway = new Doorway(...wanted)
  return doorway.open()
}

afterEach(() => doorway.close())

/** A TLS client on `socket`, whose first bytes come in one piece with `before`. */
function tlsOn(socket: net.Socket, before: Buffer): tls.TLSSocket {
  let prefix: Buffer | null = before
  const line = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      socket.write(prefix ? Buffer.concat([prefix, chunk]) : chunk, done)
      prefix = null
    },
  })
  socket.removeAllListeners('data')
  socket.on('data', (chunk) => line.push(chunk))
  return tls.connect({ socket: line, servername: 'understudy.test', ca: certificate, ALPNProtocols: ['h2'] })
}

async function reply(secured: tls.TLSSocket, text: string): Promise<string> {
  secured.write(text)
  const [answer] = (await once(secured, 'data')) as [Buffer]
  return answer.toString()
}

describe('TLS', () => {
  it.each([
    ['alone', 'off', Buffer.alloc(0), '127.0.0.1'],
    ['behind a PROXY header that comes in one piece with its first bytes', 'v2', headers.v2, client.address],
  ] as const)('is taken off %s', async (_how, proxyProtocol, before, address) => {
    await opened({ proxyProtocol, tls: serverTls, readServerName: true })
    const secured = tlsOn((await doorway.visit()).socket, before)
    await once(secured, 'secureConnect')
    const guest = await doorway.guest()
    expect(guest.arrival).toMatchObject({
      client: { address },
      secure: true,
      protocol: 'h2',
      serverName: 'understudy.test',
    })
    guest.socket.write('welcome')
    expect(await reply(secured, 'hello')).toBe('welcome')
    await guest.receives('hello')
    expect(doorway.acceptor.open).toBe(1)
  })

  it('turns away whoever speaks something else', async () => {
    await opened({ tls: serverTls })
    const visitor = await doorway.visit()
    await visitor.send('GET / HTTP/1.1\r\n\r\n')
    await visitor.ends()
    await doorway.turnsAway({ handshake: 1 })
    expect(doorway.acceptor.open).toBe(0)
  })

  it('has the same deadline as the header before it', async () => {
    await opened({ tls: serverTls, proxyProtocol: 'v1', handshakeTimeout: 1_000 })
    const visitor = await doorway.visit()
    await doorway.has(1)
    doorway.clock.advance(900)
    await visitor.send(headers.v1)
    expect(doorway.acceptor.open).toBe(1)
    doorway.clock.advance(150)
    await visitor.ends()
    await doorway.turnsAway({ timeout: 1 })
    expect(doorway.guests).toEqual([])
  })

  it('gives the address back when the handshake fails', async () => {
    await opened({ tls: serverTls, connectionsPerAddress: 1 })
    for (let time = 1; time <= 3; time++) {
      const visitor = await doorway.visit()
      await visitor.send('no TLS at all')
      await visitor.ends()
      await doorway.turnsAway({ handshake: time })
    }
  })

  it.each(['fails', 'succeeds'])('never hands over a connection whose handshake %s too late', async (how) => {
    let late: (result: Secured | Error) => void = () => {}
    const handshake: ServerTls['handshake'] = (_socket, done) => {
      late = done
    }
    await opened({ tls: { handshake } })
    const visitor = await doorway.visit()
    await doorway.has(1)
    doorway.clock.advance(5_000)
    await visitor.ends()
    const socket = new tls.TLSSocket(new net.Socket())
    late(how === 'fails' ? new Error('too late') : { socket, protocol: 'h2', serverName: '', certificate: null })
    expect(socket.destroyed).toBe(how === 'succeeds')
    await doorway.turnsAway({ timeout: 1 })
    expect(doorway.acceptor.open).toBe(0)
    expect(doorway.guests).toEqual([])
  })
})

describe('TLS that is passed through', () => {
  it.each([
    ['alone', 'off', Buffer.alloc(0)],
    ['behind a PROXY header', 'either', headers.v1],
  ] as const)('is looked at for the server it asks for, and stays whole: %s', async (_how, proxyProtocol, before) => {
    const names: string[] = []
    const receive = ({ socket, serverName, secure }: Arrival): void => {
      names.push(serverName, String(secure))
      serverTls.handshake(socket, (result) => {
        if (result instanceof Error) throw result
        result.socket.end('welcome')
      })
    }
    await opened({ readServerName: true, proxyProtocol, receive })
    const secured = tlsOn((await doorway.visit()).socket, before)
    const [answer] = (await once(secured, 'data')) as [Buffer]
    expect(answer.toString()).toBe('welcome')
    expect(names).toEqual(['understudy.test', 'false'])
  })

  it('is given every byte that was looked at', async () => {
    await opened({ readServerName: true, proxyProtocol: 'either' })
    const hello = await nodeHello({ servername: 'a.example' })
    const visitor = await doorway.visit()
    await visitor.send(Buffer.concat([headers.v1, hello]), every(headers.v1).concat(headers.v1.length + 70))
    await visitor.send('and more')
    const guest = await doorway.guest()
    await guest.receives(`${hello.toString('latin1')}and more`)
    expect(guest.received).toBe(`${hello.toString('latin1')}and more`)
    expect(guest.arrival).toMatchObject({ client, serverName: 'a.example', secure: false, protocol: '' })
  })

  it('turns away whoever speaks something else, or breaks off', async () => {
    await opened({ readServerName: true })
    const visitor = await doorway.visit()
    await visitor.send('SSH-2.0-OpenSSH\r\n')
    await visitor.ends()
    await doorway.turnsAway({ handshake: 1 })
    const other = await doorway.visit()
    other.socket.end(Buffer.from([22, 3, 1]))
    await other.ends()
    await doorway.turnsAway({ handshake: 2 })
    expect(doorway.guests).toEqual([])
  })
})
