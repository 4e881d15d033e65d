/** Who gets in, and how the way in ends. */
import { afterEach, describe, expect, it } from 'vitest'
import { OwnAllowance } from '../../../src/core/allowance.ts'
import { turns } from '../../support/signal.ts'
import { Doorway } from './support/doorway.ts'
import { client, every, headers } from './support/headers.ts'
import { untouched } from './support/untouched.ts'

let doorway: Doorway

const opened = async (...wanted: ConstructorParameters<typeof Doorway>): Promise<Doorway> => {
  doorway = new Doorway(...wanted)
  return doorway.open()
}

afterEach(() => doorway.close())

describe('a connection that brings nothing but its bytes', () => {
  it('is handed over paused, untouched, with both its ends', async () => {
    await opened()
    const visitor = await doorway.visit('127.0.0.9')
    const guest = await doorway.guest()
    expect(guest.arrival).toMatchObject({
      client: { address: '127.0.0.9', port: visitor.socket.localPort },
      local: { address: '127.0.0.1', port: doorway.address.port },
      secure: false,
      protocol: '',
      serverName: '',
      certificate: null,
    })
    expect(guest.paused).toBe(true)
    expect(guest.listeners).toEqual(await untouched())
    expect(doorway.clock.scheduled).toBe(0)
    await visitor.send('hello')
    await guest.receives('hello')
  })

  it('has an IPv4 address on a listener of IPv6 too', async () => {
    await opened({ listen: { kind: 'tcp', host: '::', port: 0 } })
    await doorway.visit()
    expect((await doorway.guest()).arrival).toMatchObject({
      client: { address: '127.0.0.1' },
      local: { address: '127.0.0.1' },
    })
  })

  it('is turned away while as many as allowed are open', async () => {
    await opened({ connections: new OwnAllowance(2) })
    const first = await doorway.visit()
    await doorway.visit()
    const third = await doorway.visit()
    await third.ends()
    await doorway.turnsAway({ connections: 1 })
    expect(doorway.acceptor.open).toBe(2)
    expect(doorway.guests.length).toBe(2)
    first.socket.destroy()
    doorway.guests[0]?.socket.destroy()
    await doorway.has(1)
    await doorway.visit()
    await doorway.guest(2)
    await doorway.turnsAway({ connections: 1 })
  })

  it('is turned away while its address has as many as allowed', async () => {
    await opened({ connectionsPerAddress: 1 })
    const first = await doorway.visit('127.0.0.1')
    const second = await doorway.visit('127.0.0.1')
    await second.ends()
    await doorway.turnsAway({ address: 1 })
    await doorway.visit('127.0.0.2')
    await doorway.guest(1)
    first.socket.destroy()
    doorway.guests[0]?.socket.destroy()
    await doorway.has(1)
    await doorway.visit('127.0.0.1')
    await doorway.guest(2)
    await doorway.turnsAway({ address: 1 })
  })
})

describe('listening', () => {
  it('fails with the error of the system', async () => {
    await opened()
    const { host, port } = doorway.address
    const other = new Doorway({ listen: { kind: 'tcp', host, port } })
    await expect(other.open()).rejects.toMatchObject({ code: 'EADDRINUSE' })
    other.close()
  })

  it('goes on when a connection could not be accepted', async () => {
    await opened()
    const errors = [new Error('too many open files'), new Error('again')]
    for (const error of errors) doorway.failToAccept(error)
    expect(doorway.errors).toEqual(errors)
    await doorway.visit()
    await doorway.guest()
  })

  it('ends without ending what was handed over', async () => {
    await opened()
    const visitor = await doorway.visit()
    const guest = await doorway.guest()
    await doorway.acceptor.stopAccepting()
    await expect(doorway.visit()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await visitor.send('still here')
    await guest.receives('still here')
    doorway.acceptor.kill()
    await guest.socket.write('so am I')
    await visitor.receives('so am I')
  })
})

describe('a connection on its way in', () => {
  it('is counted, and turned away when it is not in before the deadline, however it trickles', async () => {
    await opened({ proxyProtocol: 'v1', handshakeTimeout: 1_000 })
    const visitor = await doorway.visit()
    await doorway.has(1)
    for (let at = 0; at < 9; at++) {
      await visitor.send(headers.v1.subarray(at, at + 1))
      doorway.clock.advance(100)
    }
    expect(doorway.acceptor.open).toBe(1)
    expect(visitor.ending).toBe('open')
    doorway.clock.advance(150)
    await visitor.ends()
    await doorway.turnsAway({ timeout: 1 })
    expect(doorway.acceptor.open).toBe(0)
  })

  it('has no deadline any more once it is in', async () => {
    await opened({ proxyProtocol: 'v1', handshakeTimeout: 1_000 })
    const visitor = await doorway.visit()
    await visitor.send(headers.v1)
    const guest = await doorway.guest()
    doorway.clock.advance(10_000)
    await visitor.send('hello')
    await guest.receives('hello')
    expect(visitor.ending).toBe('open')
  })

  it('is turned away while as many as allowed are on their way', async () => {
    await opened({ proxyProtocol: 'v1', handshakes: 1 })
    const first = await doorway.visit()
    await doorway.has(1)
    const second = await doorway.visit()
    await second.ends()
    await doorway.turnsAway({ handshakes: 1 })
    await first.send(headers.v1)
    await doorway.guest()
    const third = await doorway.visit()
    await third.send(headers.v1)
    await doorway.guest(1)
  })

  it('counts towards the limit of connections', async () => {
    await opened({ proxyProtocol: 'v1', connections: new OwnAllowance(1) })
    await doorway.visit()
    await doorway.has(1)
    const second = await doorway.visit()
    await second.ends()
    await doorway.turnsAway({ connections: 1 })
  })

  it('may leave without having said anything', async () => {
    await opened({ proxyProtocol: 'v1', connectionsPerAddress: 1, trustsProxy: () => true })
    for (let time = 0; time < 3; time++) {
      const visitor = await doorway.visit()
      await doorway.has(1)
      visitor.socket.end()
      await visitor.ends()
      await doorway.has(0)
    }
    await doorway.turnsAway({})
  })

  it('is turned away when its header is cut off', async () => {
    await opened({ proxyProtocol: 'v1' })
    const visitor = await doorway.visit()
    visitor.socket.end(headers.v1.subarray(0, -1))
    await visitor.ends()
    await doorway.turnsAway({ proxyHeader: 1 })
    expect(doorway.acceptor.open).toBe(0)
  })

  it('may break off, and nothing of it remains', async () => {
    await opened({ proxyProtocol: 'v1' })
    const visitor = await doorway.visit()
    await doorway.has(1)
    await visitor.send('PROXY ')
    visitor.socket.resetAndDestroy()
    await doorway.has(0)
    expect(doorway.guests).toEqual([])
  })

  it('still gets in when no more are accepted', async () => {
    await opened({ proxyProtocol: 'v1' })
    await (await doorway.visit()).send(headers.v1)
    await doorway.guest()
    const visitor = await doorway.visit()
    await doorway.has(2)
    let stopped = false
    const stop = doorway.acceptor.stopAccepting().then(() => {
      stopped = true
    })
    await turns()
    expect(stopped).toBe(false)
    await visitor.send(headers.v1)
    await stop
    expect(doorway.guests.length).toBe(2)
  })

  it('is broken off by a kill', async () => {
    await opened({ proxyProtocol: 'v1' })
    const visitor = await doorway.visit()
    await doorway.has(1)
    doorway.acceptor.kill()
    await visitor.ends()
    expect(doorway.acceptor.open).toBe(0)
    await doorway.acceptor.stopAccepting()
    await doorway.turnsAway({})
  })
})

describe('a plain connection that may begin with HTTP/2', () => {
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

  it.each([
    ['its preface, byte by byte', preface.toString(), every(preface), 'h2'],
    ['its preface and more', `${preface}and more`, [], 'h2'],
    ['another request', 'GET / HTTP/1.1\r\n', [], ''],
    ['a request that looks like it for a while', 'PRI * HTTP/1.1\r\n', [1, 5, 13], ''],
  ] as const)('is known by its first bytes, which stay: %s', async (_what, text, positions, protocol) => {
    await opened({ readPreface: true, proxyProtocol: 'v1' })
    const visitor = await doorway.visit()
    await visitor.send(headers.v1)
    await visitor.send(text, positions)
    const guest = await doorway.guest()
    expect(guest.arrival).toMatchObject({ client, protocol, secure: false })
    await guest.receives(text)
    expect(guest.received).toBe(text)
  })
})
