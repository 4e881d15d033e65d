// TLS at the front, by clients that others wrote: whose certificate they see, what is refused, and renewal under way.
import { renameSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../../../bench/clock.ts'
import { freePorts } from '../../../bench/process/free-port.ts'
import { Credentials, type PemFiles } from './support/credentials.ts'
import type { ProxyView } from './support/proxy-view.ts'
import { Stage } from './support/stage.ts'
import { TellingOrigin } from './support/telling-origin.ts'
import { runTool, skipWithout, type ToolRun } from './support/tool.ts'

let stage: Stage
let credentials: Credentials
let files: PemFiles
let proxy: ProxyView
let web = 0
let modern = 0
let hasty = 0

beforeAll(async () => {
  stage = new Stage()
  credentials = new Credentials(stage)
  const origins = [
    stage.keep(await TellingOrigin.start({ name: 'blue' })),
    stage.keep(await TellingOrigin.start({ name: 'green' })),
  ]
  ;[web, modern, hasty] = (await freePorts(3)) as [number, number, number]
  const issue = (name: string): PemFiles =>
    credentials.issue(name.replace('*.', ''), { subject: [['CN', name]], names: [name] })
  files = issue('default.test')
  const listener = (port: number, more: object, tls: object = {}) => ({
    listen: `127.0.0.1:${port}`,
    pool: 'shop',
    tls: { ...files, ...tls },
    ...more,
  })
  proxy = await stage.proxy({
    listeners: {
      web: listener(web, {}, { certificates: [issue('shop.test'), issue('*.blog.test')] }),
      modern: listener(modern, {}, { minVersion: 'TLSv1.3' }),
      hasty: listener(hasty, { limits: { handshakeTimeout: '200ms' } }),
    },
    pools: {
      shop: { upstreams: origins.map(({ name, port }) => ({ name, url: `http://127.0.0.1:${port}` })) },
    },
  })
}, 30_000)
afterAll(() => stage.stop())

const openssl = (port: number, ...args: string[]): Promise<ToolRun> =>
  runTool('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', credentials.ca, ...args])

describe('openssl', () => {
  beforeEach(({ skip }) => skipWithout(['openssl'], skip))

  test.for([
    ['shop.test', 'shop.test'],
    ['tea.blog.test', '*.blog.test'],
    ['elsewhere.test', 'default.test'],
  ] as const)('asks for %s and gets the certificate of %s', async ([asked, got]) => {
    const { stdout } = await openssl(web, '-servername', asked, '-verify_hostname', asked)
    expect(stdout.split('\n')).toContain(`subject=CN = ${got}`)
    expect(stdout).toMatch(asked === 'elsewhere.test' ? /Verification error: hostname mismatch/ : /Verification: OK/i)
  })

  test('without a name it gets the first certificate', async () => {
    expect((await openssl(web, '-noservername')).stdout).toMatch(/^subject=CN = default\.test$/m)
  })

  test.for([
    ['TLS 1.1', '-tls1_1', () => web],
    ['TLS 1.2 where 1.3 is the least', '-tls1_2', () => modern],
  ] as const)('%s is refused, and told so', async ([, version, port]) => {
    const { code, stderr } = await openssl(port(), version, '-cipher', 'ALL:@SECLEVEL=0')
    expect([code, stderr]).toEqual([1, expect.stringContaining('tlsv1 alert protocol version')])
  })

  test.for([
    ['-tls1_2', () => web, 'TLSv1.2'],
    ['-tls1_3', () => modern, 'TLSv1.3'],
  ] as const)('%s is spoken', async ([version, port, spoken]) => {
    expect((await openssl(port(), version)).stdout).toContain(`New, ${spoken}, Cipher is `)
  })
})

describe('the handshake deadline', () => {
  test.for([
    ['says nothing', ''],
    ['begins a ClientHello and stops', '\x16\x03\x01\x02\x00\x01\x00'],
  ] as const)('a client that %s is closed, and counted', async ([, bytes]) => {
    const late = { listener: 'hasty', why: 'timeout' }
    const before = await proxy.count('connections_refused_total', late)
    const socket = connectTcp(hasty, '127.0.0.1', () => socket.write(bytes, 'latin1'))
    let closed = false
    socket.on('error', () => {})
    socket.once('close', () => {
      closed = true
    })
    socket.resume()
    await until('the end of the connection', () => closed, 5_000)
    expect(await proxy.count('connections_refused_total', late)).toBe(before + 1)
  })
})

/** A connection that is kept, whoever comes after it. */
class KeptConnection {
  readonly #socket: TLSSocket
  #text = ''

  static async open(): Promise<KeptConnection> {
    const socket = connect({ port: web, host: '127.0.0.1', servername: 'default.test', ca: credentials.authority.cert })
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
    return new KeptConnection(socket)
  }

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#text += text
    })
  }

  get serial(): string {
    return this.#socket.getPeerCertificate().serialNumber
  }

  async ask(): Promise<string> {
    this.#text = ''
    this.#socket.write('GET / HTTP/1.1\r\nHost: default.test\r\n\r\n')
    await until('an answer', () => this.#text.endsWith('}'), 5_000)
    return this.#text.slice(0, 15)
  }

  close(): void {
    this.#socket.destroy()
  }
}

test('a certificate is renewed on disk: open connections go on, new ones see the new one', async () => {
  const old = await KeptConnection.open()
  expect(await old.ask()).toBe('HTTP/1.1 200 OK')
  const renewed = credentials.issue('renewed', { subject: [['CN', 'default.test']], names: ['default.test'] })
  renameSync(renewed.key, files.key)
  renameSync(renewed.cert, files.cert)
  let fresh = await KeptConnection.open()
  await until(
    'a connection with the new certificate',
    async () => {
      fresh.close()
      fresh = await KeptConnection.open()
      return fresh.serial !== old.serial
    },
    10_000,
  )
  expect([await old.ask(), await fresh.ask()]).toEqual(['HTTP/1.1 200 OK', 'HTTP/1.1 200 OK'])
  old.close()
  fresh.close()
})
