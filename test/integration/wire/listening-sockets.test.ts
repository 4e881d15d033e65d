// Several sockets on one port: how many connections come in at once, and that all of them begin and end together.
import net from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Listening } from '../../../src/wire/listening-sockets.ts'
import { ListeningSockets } from '../../../src/wire/listening-sockets.ts'
import { Signal } from '../../support/signal.ts'

const VISITORS = 64
const MANY = 8

let sockets: ListeningSockets
let visitors: net.Socket[] = []
const arrived: net.Socket[] = []
const signal = new Signal()

afterEach(() => {
  vi.restoreAllMocks()
  sockets.close()
  for (const socket of [...visitors, ...arrived.splice(0)]) socket.destroy()
})

async function listening(options: Partial<Listening>, adoptable = true): Promise<number> {
  const listen = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const
  sockets = new ListeningSockets({ listen, sockets: 1, reusePort: false, ...options }, adoptable, {
    onConnection: (socket) => {
      arrived.push(socket)
      signal.notify()
    },
    onError: () => {},
  })
  return Number((await sockets.listen()).port)
}

/** All of them are connected before this one is asked to let anybody in. */
function visit(port: number, count = VISITORS): void {
  visitors = Array.from({ length: count }, () => net.connect(port, '127.0.0.1').on('error', () => {}))
}

/** In how many turns of the event loop they came in. */
async function turnsTaken(port: number): Promise<number> {
  let turn = 0
  let busy = 0
  let before = 0
  const count = (): void => {
    turn++
    if (arrived.length > before) busy++
    before = arrived.length
    if (arrived.length < VISITORS && turn < 100_000) setImmediate(count)
  }
  visit(port)
  setImmediate(count)
  await signal.until(() => arrived.length === VISITORS, 'all visitors')
  return busy
}

describe('one socket', () => {
  it('lets in one connection a turn', async () => {
    expect(await turnsTaken(await listening({}))).toBeGreaterThanOrEqual(VISITORS - 1)
  })
})

describe.skipIf(process.platform !== 'linux')('several sockets on one port', () => {
  it('let in several connections a turn', async () => {
    expect(await turnsTaken(await listening({ sockets: MANY }))).toBeLessThan(VISITORS / 2)
  })

  it('serve where what arrives cannot be adopted too', async () => {
    expect(await turnsTaken(await listening({ sockets: MANY }, false))).toBeLessThan(VISITORS / 2)
    expect(sockets.adoptable).toBe(false)
  })

  it('close all together', async () => {
    const port = await listening({ sockets: MANY })
    sockets.close()
    const refused = Array.from({ length: VISITORS }, async () => {
      const socket = net.connect(port, '127.0.0.1')
      return new Promise((resolve) => {
        socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code)).on('connect', () => resolve('let in'))
      })
    })
    expect(new Set(await Promise.all(refused))).toEqual(new Set(['ECONNREFUSED']))
  })

  it('are all there, or none is', async () => {
    const { listen } = net.Server.prototype
    const opened: net.Server[] = []
    vi.spyOn(net.Server.prototype, 'listen').mockImplementation(function (this: net.Server, ...args) {
      if (opened.push(this) < 3) return listen.apply(this, args as Parameters<typeof listen>)
      process.nextTick(() => this.emit('error', new Error('too many open files')))
      return this
    })
    await expect(listening({ sockets: MANY })).rejects.toThrow('too many open files')
    expect(opened).toHaveLength(MANY)
    expect(opened.some((server) => server.listening)).toBe(false)
  })
})

describe('what is sent', () => {
  it('goes at once, on every connection: the listening socket says so for all', async () => {
    const told: unknown[] = []
    const { createServer } = net
    vi.spyOn(net, 'createServer').mockImplementation((...args: unknown[]) => {
      const server = createServer(...(args as Parameters<typeof createServer>))
      server.prependListener('listening', () => {
        const { _handle } = server as unknown as { _handle: { setNoDelay(on: boolean): void } }
        const { setNoDelay } = _handle
        _handle.setNoDelay = (on) => {
          told.push(on)
          setNoDelay.call(_handle, on)
        }
      })
      return server
    })
    await listening({})
    expect(told).toEqual([true])
  })
})
