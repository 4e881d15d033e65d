// Certificates of clients: who gets in with which, and what the upstream is told of whom. By curl, with HTTP/1.1 and HTTP/2.
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freePorts } from '../../../bench/process/free-port.ts'
import { Credentials, type PemFiles } from './support/credentials.ts'
import type { ProxyView } from './support/proxy-view.ts'
import { Stage } from './support/stage.ts'
import { TellingOrigin, type Told, valuesOf } from './support/telling-origin.ts'
import { runTool, skipWithout, type ToolRun } from './support/tool.ts'

let stage: Stage
let ca: string
/** Of the authority that is asked for, and of another. */
let ada: PemFiles
let stranger: PemFiles
let blue: TellingOrigin
let proxy: ProxyView
let ports: Record<'required' | 'asked' | 'anyone', number>

beforeAll(async () => {
  stage = new Stage()
  const servers = new Credentials(stage, 'servers')
  const clients = new Credentials(stage, 'clients')
  ca = servers.ca
  const subject = [
    ['O', 'Tea House'],
    ['CN', 'ada'],
  ] as const
  ada = clients.issue('ada', { subject, usage: 'client' })
  stranger = new Credentials(stage, 'strangers').issue('stranger', { subject: [['CN', 'ada']], usage: 'client' })
  blue = stage.keep(await TellingOrigin.start({ name: 'blue' }))
  const green = stage.keep(await TellingOrigin.start({ name: 'green' }))
  const [required, asked, anyone] = (await freePorts(3)) as [number, number, number]
  ports = { required, asked, anyone }
  const own = servers.issue('web', { names: ['localhost'] })
  const listener = (port: number, more: object = {}) => ({
    listen: `127.0.0.1:${port}`,
    pool: 'shop',
    tls: { ...own, ...more },
  })
  proxy = await stage.proxy({
    listeners: {
      required: listener(required, { clients: { ca: clients.ca, mode: 'require', forward: true } }),
      asked: listener(asked, { clients: { ca: clients.ca, mode: 'ask', forward: true } }),
      anyone: listener(anyone),
    },
    pools: { shop: { upstreams: [blue, green].map(({ name, port }) => ({ name, url: `http://127.0.0.1:${port}` })) } },
  })
}, 30_000)
afterAll(() => stage.stop())
beforeEach(({ skip }) => skipWithout(['curl'], skip))

const curl = (port: number, ...args: string[]): Promise<ToolRun> =>
  runTool('curl', ['-sS', '--max-time', '20', '--cacert', ca, ...args, `https://localhost:${port}/tea`])

async function told(port: number, ...args: string[]): Promise<Told> {
  const { code, stdout, stderr } = await curl(port, ...args)
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as Told
}

const shows = ({ cert, key }: PemFiles): string[] => ['--cert', cert, '--key', key]
const SPOOFED = [
  ...['-H', 'Client-Cert: :c3Bvb2ZlZA==:', '-H', 'Client-Cert-Chain: :c3Bvb2ZlZA==:'],
  ...['-H', 'Understudy-Client-Subject: CN=root', '-H', 'understudy-client-subject: CN=root'],
]
const NAMES = ['client-cert', 'client-cert-chain', 'understudy-client-subject'] as const
const identityIn = (seen: Told) => NAMES.map((name) => valuesOf(seen, name))

describe.each(['--http1.1', '--http2'])('curl %s', (protocol) => {
  test('with a certificate gets in everywhere, and the upstream is told whose it is', async () => {
    const der = new X509Certificate(readFileSync(ada.cert)).raw.toString('base64')
    for (const port of [ports.required, ports.asked]) {
      for (const more of [[], SPOOFED]) {
        const seen = await told(port, protocol, ...shows(ada), ...more)
        expect(identityIn(seen)).toEqual([[`:${der}:`], [], [expect.stringMatching(/^(?=.*CN=ada)(?=.*O=Tea House)/)]])
      }
    }
  })

  test('without one gets in where it is only asked for, and whatever it says of itself does not arrive', async () => {
    for (const port of [ports.asked, ports.anyone]) {
      const seen = await told(port, protocol, ...SPOOFED, '-H', 'X-Tea: green')
      expect(identityIn(seen)).toEqual([[], [], []])
      expect(valuesOf(seen, 'x-tea')).toEqual(['green'])
    }
  })

  // How curl puts it differs: in TLS 1.3 it has sent its request by the time it is refused, and a reset may overtake the alert.
  test.for([
    ['without one', 'required', () => []],
    ['with one of another authority', 'required', () => shows(stranger)],
    ['with one of another authority', 'asked', () => shows(stranger)],
  ] as const)('%s does not get in where it is %s', async ([, listener, certificate]) => {
    const refused = { listener, why: 'handshake' }
    const before = [await proxy.count('connections_refused_total', refused), blue.requests] as const
    const { code, stdout } = await curl(ports[listener], protocol, ...certificate())
    expect([code === 0, stdout]).toEqual([false, ''])
    const after = [await proxy.count('connections_refused_total', refused), blue.requests]
    expect(after).toEqual([before[0] + 1, before[1]])
  })
})
