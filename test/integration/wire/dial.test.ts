// The race on real sockets: addresses that refuse, addresses where nobody answers, and packets that get lost.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type LossyNetwork, lossyNetworkMissing, makeLossyNetwork } from '../../../bench/network/lossy-network.ts'
import { Dial } from '../../../src/wire/dial.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { Signal, turns } from '../../support/signal.ts'
import { DeafPort } from '../http/support/deaf-port.ts'
import { Connects, known } from './support/connects.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

async function serverAt(host: string, port = 0) {
  const open = new Set<Socket>()
  const signal = new Signal()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => {
      open.delete(socket)
      signal.notify()
    })
    socket.resume()
    signal.notify()
  })
  await new Promise<void>((ready, failed) => server.on('error', failed).listen(port, host, ready))
  cleanup.push(async () => {
    for (const socket of open) socket.destroy()
    await new Promise((closed) => server.close(closed))
  })
  const address = server.address()
  return { open, signal, port: typeof address === 'object' ? (address?.port ?? 0) : 0 }
}

/** Nobody takes a connection there: a SYN is not answered. Null where the kernel answers all the same. */
async function blackHole(): Promise<DeafPort | null> {
  const deaf = await DeafPort.start()
  cleanup.push(() => deaf.stop())
  return (await deaf.goDeaf()) ? deaf : null
}

async function serverWithin({ enter }: LossyNetwork): Promise<number> {
  const script = `const server = require('node:net').createServer((socket) => socket.on('error', () => {}).resume())
    server.listen(0, () => console.log(server.address().port))`
  const [command = '', ...args] = [...enter, process.execPath, '-e', script]
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  cleanup.push(() => child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return Number(line.toString())
}

function dial(port: number, ...addresses: string[]) {
  const clock = new FakeClock()
  const connects = new Connects()
  new Dial({ addresses: known(...addresses), port, socketPath: null }, connects, clock)
  cleanup.push(() => connects.destroy())
  return { clock, connects }
}

test('localhost of which only IPv4 listens is connected to at once, without a timer', async () => {
  const { port, open, signal } = await serverAt('127.0.0.1')
  const { clock, connects } = dial(port, '::1', '127.0.0.1')
  expect(await connects.end()).toBe('127.0.0.1')
  clock.assertIdle()
  await signal.until(() => open.size === 1, 'the connection')
})

test('all refused is refused', async () => {
  const server = createServer()
  const port = await new Promise<number>((ready) =>
    server.listen(0, '127.0.0.1', () => ready(Number((server.address() as { port: number }).port))),
  )
  await new Promise((closed) => server.close(closed))
  const { clock, connects } = dial(port, '127.0.0.1', '127.0.0.2')
  expect(await connects.end()).toBe('ECONNREFUSED')
  clock.assertIdle()
})

test('an address where nobody answers costs 50 ms beside one that works, and is let go of', async (context) => {
  const deaf = await blackHole()
  if (!deaf) return context.skip()
  const { open, signal } = await serverAt('127.0.0.2', deaf.port)
  const { clock, connects } = dial(deaf.port, '127.0.0.1', '127.0.0.2')
  clock.advance(49)
  expect(connects.sockets).toHaveLength(1)
  clock.advance(1)
  expect(await connects.end()).toBe('127.0.0.2')
  expect(connects.sockets.map(({ destroyed }) => destroyed)).toEqual([true, false])
  clock.assertIdle()
  await signal.until(() => open.size === 1, 'the connection')
})

describe('a SYN that is lost', () => {
  test('costs 50 ms, not the second after which the kernel sends it again', async (context) => {
    const missing = lossyNetworkMissing()
    if (missing !== null) return context.skip(missing)
    const network = makeLossyNetwork()
    cleanup.push(() => network.stop())
    const port = await serverWithin(network)
    network.lose(1)
    const began = performance.now()
    const { clock, connects } = dial(port, network.host)
    await turns()
    network.lose(0)
    clock.advance(50)
    expect(await connects.end()).toBe(network.host)
    expect(performance.now() - began).toBeLessThan(900)
    expect(connects.won === connects.sockets[1]).toBe(true)
    expect(connects.sockets.map(({ destroyed }) => destroyed)).toEqual([true, false])
  })

  test('twice is waited for: when to give up is not for the race to decide', async (context) => {
    const deaf = await blackHole()
    if (!deaf) return context.skip()
    const { clock, connects } = dial(deaf.port, '127.0.0.1')
    clock.advance(10_000)
    expect([connects.sockets.length, connects.ended]).toEqual([2, false])
    clock.assertIdle()
  })
})
