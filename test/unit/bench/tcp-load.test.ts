// The TCP load, its origin and the check before timing: only what really arrived counts, and damage is noticed.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { checkTcp } from '../../../bench/engine/tcp/check.ts'
import { runExchanges } from '../../../bench/engine/tcp/exchange-load.ts'
import { serve } from '../../../bench/engine/tcp/serve.ts'
import { runStreams } from '../../../bench/engine/tcp/stream-load.ts'

const servers: Server[] = []
const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

const listen = async (onConnection: (socket: Socket) => void): Promise<number> => {
  const server = createServer((socket) => {
    sockets.push(socket)
    onConnection(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** The origin, with something done to each piece that it sends back. */
const damaging = (damage: (chunk: Buffer) => Buffer): Promise<number> =>
  listen((socket) => {
    const write = socket.write.bind(socket)
    socket.write = ((chunk: Buffer) => write(damage(chunk))) as typeof socket.write
    serve(socket)
  })

const flipLast = (chunk: Buffer): Buffer => {
  const copy = Buffer.from(chunk)
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1
  return copy
}

describe('the check before timing', () => {
  it('is content with the origin itself', async () => {
    await expect(checkTcp(await listen(serve))).resolves.toBeUndefined()
  })

  it('notices a single wrong bit', async () => {
    await expect(checkTcp(await damaging(flipLast))).rejects.toThrow(/^echo: .* different from byte \d+ on/)
  })

  it('notices bytes too many', async () => {
    const twice = (chunk: Buffer) => Buffer.concat([chunk, chunk])
    await expect(checkTcp(await damaging(twice))).rejects.toThrow('echo')
  })

  it('notices a connection that is closed half way', async () => {
    const port = await listen((socket) => {
      socket.on('error', () => {})
      socket.once('data', (chunk: Buffer) => socket.end(chunk.subarray(1)))
    })
    await expect(checkTcp(port)).rejects.toThrow()
  })

  it('notices an answer to a request that is not the one', async () => {
    const port = await damaging((chunk) => (chunk.length === 32 ? flipLast(chunk) : chunk))
    await expect(checkTcp(port)).rejects.toThrow('request and answer')
  })
})

describe('a stream load', () => {
  it.each(['echo', 'sink'] as const)('of %s counts the bytes that the origin saw', async (mode) => {
    let seen = 0
    const port = await listen((socket) => {
      socket.on('data', (chunk) => {
        seen += chunk.length
      })
      serve(socket)
    })
    const run = await runStreams({ port, mode, connections: 3, seconds: 0.05 })
    expect(run.errors).toBe(0)
    expect(run.amount).toBeGreaterThan(0)
    const uncounted = seen - 3 - run.amount * 2 ** 30
    // A sink acknowledges full units of 64 KiB.
    expect(uncounted).toBeGreaterThanOrEqual(0)
    expect(uncounted).toBeLessThan(mode === 'echo' ? 1 : 3 * 65_536)
  })

  it('has an error for each connection that is closed under it', async () => {
    const port = await listen((socket) => {
      let seen = 0
      socket.on('error', () => {})
      socket.on('data', (chunk) => {
        seen += chunk.length
        // The load is under way then; a connection that ends before that fails the whole run.
        if (seen > 16_384) socket.destroy()
      })
    })
    expect((await runStreams({ port, mode: 'sink', connections: 2, seconds: 0.05 })).errors).toBe(2)
  })

  it('fails where nobody listens', async () => {
    const port = await listen(serve)
    await new Promise((resolve) => servers.pop()?.close(resolve))
    await expect(runStreams({ port, mode: 'echo', connections: 2, seconds: 0.05 })).rejects.toThrow()
  })
})

describe('a load of connections', () => {
  it('counts those that were answered', async () => {
    let connections = 0
    const port = await listen((socket) => {
      connections += 1
      serve(socket)
    })
    const run = await runExchanges({ port, mode: 'exchange', connections: 2, seconds: 0.05 })
    expect(run).toMatchObject({ amount: connections, errors: 0 })
    expect(run.p99Ms).toBeGreaterThanOrEqual(run.p50Ms ?? Number.NaN)
  })

  it('has an error for each that was closed without an answer', async () => {
    const port = await listen((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end('too short'))
    })
    const run = await runExchanges({ port, mode: 'exchange', connections: 1, seconds: 0.05 })
    expect(run.amount).toBe(0)
    expect(run.errors).toBeGreaterThan(0)
  })
})
