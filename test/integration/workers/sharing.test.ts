// What two workers have in common: figures that add up, limits that hold for both, tickets, addresses, and an end.
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { StartError } from '../../../src/understudy.ts'
import { certificate, key } from '../../support/self-signed.ts'
import { getText } from '../http/support/admin.ts'
import { Gate, whole } from '../http/support/answers.ts'
import type { Pair } from '../http/support/pair.ts'
import { askAll, clients, MANY, startPair, Threads, times } from './support.ts'

let pair: Pair | null = null
const threads = new Threads()
const folder = mkdtempSync(join(tmpdir(), 'understudy-workers-'))
afterEach(async () => {
  await pair?.stop()
  pair = null
  threads.started.length = 0
})

afterAll(() => {
  threads.stop()
  rmSync(folder, { recursive: true })
})

/** A request over TLS; the ticket comes with the answer. */
async function handshake(port: number, session: Buffer | null): Promise<{ resumed: boolean; ticket: Buffer | null }> {
  let ticket: Buffer | null = null
  let resumed = false
  const options = { port, host: '127.0.0.1', rejectUnauthorized: false, ...(session ? { session } : {}) }
  const socket = tls.connect(options)
  socket.on('secureConnect', () => {
    resumed = socket.isSessionReused()
  })
  socket.on('session', (fresh) => {
    ticket = fresh
  })
  socket.write('GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n')
  await socket.toArray()
  return { resumed, ticket }
}

const start = async (options: Parameters<typeof startPair>[0] = {}): Promise<Pair> => {
  pair = await startPair(options)
  return pair
}

describe('figures', () => {
  test('add up: connections, requests in flight and answered, and how long they took', async () => {
    const running = await start()
    const gate = new Gate()
    running.blue.serve = () => ({ ...whole(200, 'by blue'), before: gate.opened })
    const asked = askAll(await clients(running))
    await running.blue.untilArrived(MANY)
    expect(await running.metric('in_flight', 'blue')).toBe(MANY)
    expect(await running.metric('connections', 'web')).toBe(MANY)
    expect(await running.metric('upstream_connects_total', 'blue')).toBe(MANY)
    gate.open()
    await asked
    expect(await running.metric('in_flight', 'blue')).toBe(0)
    expect(await running.metric('requests_total', '2xx')).toBe(MANY)
    expect(await running.metric('request_duration_seconds_count', 'shop')).toBe(MANY)
  })
})

describe('limits', () => {
  test('of connections hold for both together', async () => {
    const all = await clients(await start({ listener: { limits: { connections: 10 } } }))
    const answers = await Promise.allSettled(all.map((client) => askAll([client])))
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
  })

  test('of connections to an upstream hold for both together, and nobody waits in vain', async () => {
    const running = await start({ maxConnections: { blue: 3 }, pool: { hold: { time: '10s' } } })
    let open = 0
    let most = 0
    running.blue.serve = () => {
      most = Math.max(most, ++open)
      const before = new Promise<void>((resolve) => {
        setImmediate(() => {
          open--
          resolve()
        })
      })
      return { ...whole(200, 'by blue'), before }
    }
    const all = await clients(running)
    for (let round = 0; round < 10; round++) expect(await askAll(all)).toEqual(times(MANY, 'by blue'))
    expect(most).toBeLessThanOrEqual(3)
    expect(await running.metric('upstream_connections', 'blue')).toBeLessThanOrEqual(3)
  })

  test('of requests that wait hold for both together', async () => {
    const running = await start({ pool: { kind: 'singleWriter', hold: { requests: 5, time: '10s' } } })
    const gate = new Gate()
    running.blue.serve = () => ({ ...whole(200, 'by blue'), before: gate.opened })
    const inFlight = askAll(await clients(running, 1))
    await running.blue.untilArrived(1)
    await running.command('switchover')
    const asked = askAll(await clients(running))
    await expect.poll(() => running.metric('requests_lost_total', 'hold-full')).toBe(MANY - 5)
    expect(await running.metric('held_requests', 'shop')).toBe(5)
    gate.open()
    expect(await inFlight).toEqual(['by blue'])
    expect((await asked).filter((body) => body === 'by green')).toHaveLength(5)
  })
})

describe('a worker that dies', () => {
  test('is replaced; its clients come back, those of the other notice nothing, and its places are free again', async () => {
    const running = await start({ listener: { limits: { connections: MANY } } })
    const all = await clients(running)
    await askAll(all)
    await threads.started[0]?.terminate()
    await running.until(() => threads.started.length === 3, 'a third thread')
    await expect
      .poll(() => getText(running.proxy.adminPort, '/metrics'))
      .toMatch(/^understudy_worker_replacements_total 1$/m)
    const answered = await Promise.allSettled(all.map((client) => askAll([client])))
    const left = answered.filter(({ status }) => status === 'fulfilled').length
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThan(MANY)
    // Both listen again: nobody is turned away, and all places can be had.
    const others = await clients(running, MANY - left)
    expect(await askAll(others)).toEqual(times(MANY - left, 'by blue'))
    expect(await running.metric('connections', 'web')).toBe(MANY)
  })

  test('with requests in flight: they are counted out, and a switchover does not wait for them', async () => {
    const running = await start({ pool: { kind: 'singleWriter' } })
    running.blue.serve = () => null
    for (const client of await clients(running)) await client.send('GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n')
    await running.blue.untilArrived(MANY)
    expect(await running.metric('in_flight', 'blue')).toBe(MANY)
    await Promise.all(threads.started.slice(0, 2).map((worker) => worker.terminate()))
    await expect.poll(() => running.metric('in_flight', 'blue')).toBe(0)
    await running.command('switchover')
    await running.until(({ active }) => active === 'green', 'green to be active')
  })
})

describe('TLS', () => {
  test('tickets of one worker are good at the other', async () => {
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
    writeFileSync(files.cert, certificate)
    writeFileSync(files.key, key)
    const { port } = (await start({ listener: { tls: files } })).proxy
    const { ticket } = await handshake(port, null)
    const again = await Promise.all(times(MANY, null).map(() => handshake(port, ticket)))
    expect(again.map(({ resumed }) => resumed)).toEqual(times(MANY, true))
  })
})

describe('addresses', () => {
  test('that another process has already are refused at the start, not shared with it', async () => {
    const other = createServer().listen({ port: 0, host: '127.0.0.1' })
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    await expect(start({ listener: { listen: `127.0.0.1:${port}` } })).rejects.toThrow(StartError)
    other.close()
  })

  test('that are unix sockets work, with one worker behind them', async () => {
    const path = join(folder, 'web.sock')
    await start({ listener: { listen: `unix:${path}` } })
    const socket = connect(path)
    socket.write('GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n')
    const chunks = await socket.toArray()
    expect(Buffer.concat(chunks as Buffer[]).toString()).toContain('by blue')
  })
})

describe('the end', () => {
  test('waits for what is under way at both, and leaves no thread', async () => {
    const running = await start()
    const gate = new Gate()
    running.blue.serve = () => ({ ...whole(200, 'by blue'), before: gate.opened })
    const asked = askAll(await clients(running))
    await running.blue.untilArrived(MANY)
    const exits = threads.started.map((worker) => once(worker, 'exit'))
    const stopped = running.proxy.understudy.stop()
    gate.open()
    expect(await asked).toEqual(times(MANY, 'by blue'))
    await Promise.all([stopped, ...exits])
    expect(threads.started.map(({ threadId }) => threadId)).toEqual([-1, -1])
  })
})
