// Connections opened ahead of the requests that they are for.
import { createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { LocalAllowance, UNLIMITED } from '../../../src/wire/connection-allowance.ts'
import { ConnectionPool } from '../../../src/wire/connection-pool.ts'
import { DEFAULT_HEAD_LIMITS } from '../../../src/wire/limits.ts'
import { Sweeper } from '../../../src/wire/sweeper.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { at } from '../../support/place.ts'
import { Signal, turns } from '../../support/signal.ts'
import { DeafPort } from '../http/support/deaf-port.ts'
import { Http2Origin } from './http2-origin.ts'
import { listening } from './http2-rig.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

function poolTo(port: number, allowance = UNLIMITED) {
  const clock = new FakeClock()
  const sweeper = new Sweeper(clock)
  const signal = new Signal()
  const events = { onHeard: () => {}, onConnected: () => {} }
  const to = { ...at(port), socketPath: null, tls: null }
  const pool = new ConnectionPool(to, { sweeper, limits: DEFAULT_HEAD_LIMITS, allowance, events })
  cleanup.push(() => {
    pool.closeAll()
    sweeper.stop()
  })
  let over = 0
  const open = (count: number): void =>
    pool.preconnect(count, () => {
      over++
      signal.notify()
    })
  return { pool, clock, signal, open, over: () => over }
}

async function server() {
  const sockets: Socket[] = []
  const signal = new Signal()
  const listener = createServer((socket) => {
    socket.on('error', () => {})
    sockets.push(socket)
    signal.notify()
  })
  const port = await listening(listener)
  cleanup.push(() => {
    for (const socket of sockets) socket.destroy()
    listener.close()
  })
  return { port, sockets, signal }
}

test('as many as asked for are open when it is over, and the next requests take them', async () => {
  const { port, sockets, signal } = await server()
  const { pool, signal: done, open, over } = poolTo(port)
  open(5)
  expect(over()).toBe(0)
  await done.until(() => over() === 1, 'all to be open')
  await signal.until(() => sockets.length === 5, 'five connections')
  const taken = pool.acquire(false)
  expect([taken?.idle, pool.size]).toEqual([true, 5])
  // What closes it under its first request may be the race of any idle connection: it is no fresh one.
  expect(taken?.served).toBe(1)
})

test('what is idle already is not opened again', async () => {
  const { port } = await server()
  const { pool, signal, open, over } = poolTo(port)
  open(3)
  await signal.until(() => over() === 1, 'three')
  open(2)
  expect([over(), pool.size]).toEqual([2, 3])
  open(4)
  await signal.until(() => over() === 3, 'one more')
  expect(pool.size).toBe(4)
})

test('where nobody listens it is over at once', async () => {
  const listener = createServer()
  const port = await listening(listener)
  await new Promise((resolve) => listener.close(resolve))
  const { pool, signal, open, over } = poolTo(port)
  open(8)
  await signal.until(() => over() === 1, 'the refusals')
  expect(pool.size).toBe(0)
})

test('one that never gets through is given up after the time that an idle one has', async (context) => {
  const deaf = await DeafPort.start()
  cleanup.push(() => deaf.stop())
  if (!(await deaf.goDeaf())) return context.skip()
  const { pool, clock, signal, open, over } = poolTo(deaf.port)
  open(1)
  clock.advance(3_900)
  expect([over(), pool.size]).toEqual([0, 1])
  clock.advance(200)
  await signal.until(() => over() === 1, 'it to be given up')
  expect(pool.size).toBe(0)
})

test('no more are opened than may be, and none makes way for another', async () => {
  const { port, sockets, signal } = await server()
  const { pool, signal: done, open, over } = poolTo(port, new LocalAllowance(3))
  open(5)
  await done.until(() => over() === 1, 'three')
  await signal.until(() => sockets.length === 3, 'three connections')
  open(5)
  expect([over(), pool.size]).toEqual([2, 3])
})

test('where no more may be opened, a request takes one that is being opened', async () => {
  const { port } = await server()
  const { pool, signal: done, open, over } = poolTo(port, new LocalAllowance(2))
  open(2)
  const taken = [pool.acquire(false), pool.acquire(true), pool.acquire(true)]
  expect(taken.map((connection) => connection?.served ?? null)).toEqual([0, 0, null])
  expect(pool.size).toBe(2)
  await done.until(() => over() === 1, 'nobody to wait for them any more')
})

test('over HTTP/2 one connection is for all', async () => {
  const origin = await Http2Origin.start((stream) => stream.respond({ ':status': 204 }, { endStream: true }))
  cleanup.push(() => origin.stop())
  const { channels, signal } = origin.rig
  let over = 0
  const open = (): void =>
    channels.preconnect(64, () => {
      over++
      signal.notify()
    })
  open()
  await signal.until(() => over === 1, 'the connection')
  open()
  expect([over, channels.size, origin.rig.connects]).toEqual([2, 1, 1])
  expect(await origin.ask().end()).toBe('finished')
  expect(origin.rig.connects).toBe(1)
})

test('a server that closes idle connections early gets no request on one that could not be repeated', async () => {
  const { port, sockets, signal } = await server()
  const { pool, clock, signal: done, open, over } = poolTo(port)
  open(2)
  await done.until(() => over() === 1, 'both to be open')
  await signal.until(() => sockets.length === 2, 'two connections')
  clock.advance(30)
  sockets[0]?.end()
  while (pool.size === 2) await turns()
  open(2)
  await done.until(() => over() === 2, 'another one to be open')
  // Good enough for what can be sent again.
  expect(pool.acquire(false)?.idle).toBe(false)
  expect(pool.acquire(true)?.idle).toBe(true)
})
