// Upgraded connections: cut when their upstream was given up, left alone for a while when it only stepped back.
import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PoolView } from '../../../src/admin/views.ts'
import { type Proxy as RunningProxy, startProxy } from '../../support/proxy.ts'
import { RawClient } from '../../support/raw-client.ts'
import { StreamingOrigin } from '../../support/streaming-origin.ts'
import { getJson, postJson } from './support/admin.ts'
import { PROBE } from './support/answers.ts'
import { passed, until } from './support/until.ts'

const UPGRADE =
  'GET /chat HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
const SPREAD = 200

/** Opens tunnels in which it repeats what it hears, behind its own name. */
class ChatOrigin {
  readonly name: string
  readonly origin: StreamingOrigin
  readonly tunnels: Socket[]
  broken: boolean

  private constructor(name: string, origin: StreamingOrigin, tunnels: Socket[]) {
    this.name = name
    this.origin = origin
    this.tunnels = tunnels
    this.broken = false
  }

  static async start(name: string): Promise<ChatOrigin> {
    const tunnels: Socket[] = []
    const origin = await StreamingOrigin.start((socket, head) => chat.handle(socket, head))
    const chat = new ChatOrigin(name, origin, tunnels)
    return chat
  }

  private handle(socket: Socket, head: string): void {
    if (this.broken) {
      socket.resetAndDestroy()
      return
    }
    if (head.startsWith(`GET ${PROBE} `)) {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwell')
      return
    }
    this.tunnels.push(socket)
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    socket.on('data', (bytes) => socket.write(`${this.name} heard ${bytes}`))
  }
}

let blue: ChatOrigin
let green: ChatOrigin
let proxy: RunningProxy
const clients: RawClient[] = []

const view = (): Promise<PoolView> => getJson(proxy.adminPort, '/pools/shop')
const untilActive = (name: string) =>
  until(async () => ((await view()).active === name ? true : undefined), { what: `${name} to be active` })
const tunnelsOf = async (name: string) => (await view()).upstreams.find((upstream) => upstream.name === name)?.tunnels

beforeEach(async () => {
  blue = await ChatOrigin.start('blue')
  green = await ChatOrigin.start('green')
  proxy = await startProxy({
    upstreams: [blue, green].map(({ name, origin }) => ({ name, port: origin.port })),
    probe: true,
    poolOverrides: {
      probe: { path: PROBE, interval: '250ms', timeout: '200ms' },
      drain: { upgrade: '500ms', spread: `${SPREAD}ms` },
    },
  })
  const known = async () =>
    (await view()).upstreams.every(({ health }) => health.status === 'healthy') ? true : undefined
  await until(known, { what: 'both to be probed' })
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await proxy.stop()
  await Promise.all([blue.origin.stop(), green.origin.stop()])
})

async function openTunnel(): Promise<RawClient> {
  const client = await RawClient.connect(proxy.port)
  clients.push(client)
  await client.send(UPGRADE)
  await client.signal.until(() => client.text.includes('\r\n\r\n'), 'the upgrade')
  expect(client.text).toMatch(/^HTTP\/1\.1 101 /)
  client.forget()
  return client
}

async function says(client: RawClient, word: string): Promise<string> {
  client.forget()
  await client.send(word)
  await client.signal.until(() => client.text.endsWith(word), `an echo of ${word}`)
  return client.text
}

describe('upgrade', () => {
  test('bytes pass in both directions, and /pools counts the tunnel for as long as it is open', async () => {
    const client = await openTunnel()
    expect(await says(client, 'hello')).toBe('blue heard hello')
    expect(await tunnelsOf('blue')).toBe(1)
    client.destroy()
    await until(async () => ((await tunnelsOf('blue')) === 0 ? true : undefined), { what: 'the tunnel to be gone' })
  })

  test('a failover cuts the tunnels of the dead upstream within the spread, and new ones go to the standby', async () => {
    const open = await Promise.all(Array.from({ length: 8 }, openTunnel))
    blue.broken = true
    await untilActive('green')
    const began = performance.now()
    await Promise.all(open.map((client) => client.closed(3_000)))
    // Generous above, for it is not the clock that is tested: far below `drain.timeout` and `drain.upgrade` apart.
    expect(performance.now() - began).toBeLessThan(SPREAD + 1_500)
    await blue.origin.signal.until(() => blue.origin.sockets.size === 0, 'their other ends to be closed')
    expect(await says(await openTunnel(), 'hello')).toBe('green heard hello')
  })

  test('a planned switchover leaves tunnels where they are until drain.upgrade, then closes them', async () => {
    const old = await openTunnel()
    await postJson(proxy.adminPort, '/pools/shop/switchover')
    await untilActive('green')
    const began = performance.now()
    expect(await says(old, 'still here')).toBe('blue heard still here')
    expect(await says(await openTunnel(), 'hello')).toBe('green heard hello')
    await old.closed(4_000)
    expect(performance.now() - began).toBeGreaterThan(400)
    expect(await tunnelsOf('green')).toBe(1)
  })

  test('a switch back in time spares the tunnels', async () => {
    const old = await openTunnel()
    await postJson(proxy.adminPort, '/pools/shop/switchover')
    await untilActive('green')
    await postJson(proxy.adminPort, '/pools/shop/failback')
    await untilActive('blue')
    await passed(500 + SPREAD + 100)
    expect(await says(old, 'still here')).toBe('blue heard still here')
  })
})

describe('the end of a WebSocket from here', () => {
  const RESTART = '\x88\x02\x03\xf4'
  /** One whole frame of the server, `hi`. */
  const FRAME = '\x81\x02hi'

  const framed = async (word: string): Promise<RawClient> => {
    const client = await openTunnel()
    blue.tunnels.at(-1)?.write(Buffer.from(word, 'latin1'))
    await client.signal.until(() => client.text.length === word.length, 'the frame')
    return client
  }

  test('is a Close frame with 1012 between two frames, and the upstream is cut off', async () => {
    const client = await framed(FRAME)
    await postJson(proxy.adminPort, '/pools/shop/upstreams/blue/disable')
    await client.signal.until(() => client.text === FRAME + RESTART, 'the Close frame')
    client.destroy()
    await blue.origin.signal.until(() => blue.origin.sockets.size === 0, 'the other end to be closed')
    await until(async () => ((await tunnelsOf('blue')) === 0 ? true : undefined), { what: 'the tunnel to be gone' })
  })

  test('is no frame at all in the middle of one', async () => {
    const client = await framed(FRAME.slice(0, 3))
    await postJson(proxy.adminPort, '/pools/shop/upstreams/blue/disable')
    await client.closed(3_000)
    expect(client.text).toBe(FRAME.slice(0, 3))
  })

  test('is over for a client that does not close, too', async () => {
    const client = await framed(FRAME)
    await postJson(proxy.adminPort, '/pools/shop/upstreams/blue/disable')
    await client.signal.until(() => client.text === FRAME + RESTART, 'the Close frame')
    await until(async () => ((await tunnelsOf('blue')) === 0 ? true : undefined), { what: 'the tunnel to be gone' })
  })
})
