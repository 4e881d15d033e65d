// HAProxy and nginx before Understudy and behind it: the address of the client, which is nobody else's here, arrives.
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { requires } from '../support/servers/installed-program.ts'
import { type InstalledServer, vacantPort } from '../support/servers/installed-server.ts'
import { checkOf, get, neighbours, startHaproxy, startNginx } from '../support/servers/neighbours.ts'
import { TestedProxy } from '../support/servers/tested-proxy.ts'
import { Workspace } from '../support/servers/workspace.ts'

const { missing, title } = requires('HAProxy and nginx', neighbours)

/** Loopback has many addresses. */
const CLIENT = '127.0.0.77'
const seen = { status: 200, text: CLIENT }

describe.skipIf(missing)(title, () => {
  let workspace: Workspace
  let proxy: TestedProxy
  let servers: InstalledServer[]
  /** Answers with `X-Forwarded-For`. */
  let origin: Server
  let originPort: number

  beforeAll(async () => {
    origin = createServer((request, response) => response.end(String(request.headers['x-forwarded-for'])))
    await new Promise<void>((ready) => origin.listen(0, '127.0.0.1', ready))
    originPort = (origin.address() as AddressInfo).port
  })

  beforeEach(() => {
    workspace = new Workspace()
    servers = []
  })

  afterEach(async () => {
    await proxy?.stop()
    await Promise.all(servers.map((server) => server.stop()))
    workspace.remove()
  })

  afterAll(() => void origin?.close())

  async function haproxy(sections: string): Promise<number> {
    const { server, port } = await startHaproxy(sections, workspace)
    servers.push(server)
    return port
  }

  async function nginx(blocks: Parameters<typeof startNginx>[0]): Promise<InstalledServer> {
    const server = await startNginx(blocks, workspace)
    servers.push(server)
    return server
  }

  async function start(listeners: object, pools: object): Promise<void> {
    proxy = await TestedProxy.start({ listeners, pools }, workspace)
  }

  const shop = () => ({
    upstreams: ['blue', 'green'].map((name) => ({ name, url: `http://127.0.0.1:${originPort}` })),
  })

  it.each([
    { sends: 'send-proxy', expects: 'v1' },
    { sends: 'send-proxy', expects: 'either' },
    { sends: 'send-proxy-v2', expects: 'v2' },
    { sends: 'send-proxy-v2', expects: 'optional' },
  ])('HAProxy sends with $sends to a listener for HTTP ($expects), and checks it', async ({ sends, expects }) => {
    await start({ web: { listen: '127.0.0.1:0', proxyProtocol: expects, pool: 'shop' } }, { shop: shop() })
    const port = await vacantPort()
    const statistics = await haproxy(`
listen relay
  mode tcp
  bind 127.0.0.1:${port}
  option httpchk GET /
  server next 127.0.0.1:${proxy.port('web')} ${sends} check inter 100ms`)
    await expect.poll(() => checkOf(statistics, 'next'), { timeout: 10_000 }).toMatch(/^L7OK/)
    expect(await get(port, CLIENT)).toEqual(seen)
  })

  it('nginx sends to a listener for HTTP', async () => {
    await start({ web: { listen: '127.0.0.1:0', proxyProtocol: 'v1', pool: 'shop' } }, { shop: shop() })
    const port = await vacantPort()
    const next = `127.0.0.1:${proxy.port('web')}`
    await nginx({ stream: `server { listen 127.0.0.1:${port}; proxy_pass ${next}; proxy_protocol on; }` })
    expect(await get(port, CLIENT)).toEqual(seen)
  })

  /** Both demand the header, and tell the address in it: HAProxy to the origin, nginx by itself. */
  async function startReceivers(): Promise<Readonly<{ haproxyPort: number; nginxPort: number; log(): string }>> {
    const [haproxyPort, nginxPort] = [await vacantPort(), await vacantPort()]
    await haproxy(`
listen entrance
  bind 127.0.0.1:${haproxyPort} accept-proxy
  option forwardfor
  server origin 127.0.0.1:${originPort}`)
    const location = 'location / { default_type text/plain; return 200 $proxy_protocol_addr; }'
    const server = await nginx({ http: `server { listen 127.0.0.1:${nginxPort} proxy_protocol; ${location} }` })
    const from = server.output.length
    return { haproxyPort, nginxPort, log: () => server.output.slice(from) }
  }

  const PROBES = [{ type: 'tcp' }, { type: 'http', path: '/' }]
  const RECEIVED = ['v1', 'v2'].flatMap((version) => PROBES.map((probe) => ({ version, probe, by: probe.type })))

  it.each(RECEIVED)('they receive $version from a listener for TCP, and pass its probes ($by)', async (given) => {
    const { haproxyPort, nginxPort, log } = await startReceivers()
    const upstreams = [
      { name: 'haproxy', url: `tcp://127.0.0.1:${haproxyPort}`, proxyProtocol: given.version },
      { name: 'nginx', url: `tcp://127.0.0.1:${nginxPort}`, proxyProtocol: given.version },
    ]
    const pools = { web: { upstreams, probe: { ...given.probe, interval: '100ms', timeout: '90ms' } } }
    await start({ web: { protocol: 'tcp', listen: '127.0.0.1:0', pool: 'web' } }, pools)
    expect(await get(proxy.port('web'), CLIENT)).toEqual(seen)
    expect(await proxy.command('switchover', 'web', '--to', 'nginx')).toMatchObject({ code: 0 })
    expect(await get(proxy.port('web'), CLIENT)).toEqual(seen)
    const { upstreams: probed } = await proxy.pool('web')
    expect(probed.map(({ health }) => health.status)).toEqual(['healthy', 'healthy'])
    expect(log()).not.toMatch(/broken header|\[error\]|\[crit\]/)
  })

  it.each(['v1', 'v2'])('from HAProxy, through a listener for TCP, to nginx: %s', async (version) => {
    const { haproxyPort, nginxPort } = await startReceivers()
    const upstreams = [nginxPort, haproxyPort].map((port, index) => ({
      name: `up${index}`,
      url: `tcp://127.0.0.1:${port}`,
      proxyProtocol: version,
    }))
    const listener = { protocol: 'tcp', listen: '127.0.0.1:0', proxyProtocol: 'either', pool: 'web' }
    await start({ web: { ...listener, trustedProxies: ['127.0.0.1'] } }, { web: { upstreams } })
    const port = await vacantPort()
    await haproxy(`
listen entrance
  mode tcp
  bind 127.0.0.1:${port}
  server next 127.0.0.1:${proxy.port('web')} send-proxy${version === 'v2' ? '-v2' : ''}`)
    expect(await get(port, CLIENT)).toEqual(seen)
    // Nobody comes past HAProxy: without a header they are not let in.
    await expect(get(proxy.port('web'))).rejects.toThrow()
  })
})
