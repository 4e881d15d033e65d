// TCP listeners and TLS: ended here, passed through by the name that the client asks for, and begun toward the upstream.
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { freePorts } from '../../../bench/process/free-port.ts'
import { Credentials, type PemFiles } from './support/credentials.ts'
import { Stage } from './support/stage.ts'
import { runTool, skipWithout } from './support/tool.ts'

let stage: Stage
let credentials: Credentials
let ending = 0
let passing = 0
let beginning = 0

/** Says its name and what it got, and then no more. */
async function startEcho(name: string, pem?: PemFiles): Promise<{ name: string; port: number }> {
  const sockets = new Set<Socket>()
  const serve = (socket: Socket): void => {
    socket.on('error', () => socket.destroy())
    socket.once('data', (bytes) => socket.end(`${name} got ${bytes}`))
  }
  const server: Server = pem
    ? createTlsServer({ cert: readFileSync(pem.cert), key: readFileSync(pem.key) }, serve)
    : createServer(serve)
  server.on('connection', (socket) => sockets.add(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stage.keep({
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  })
  return { name, port: (server.address() as AddressInfo).port }
}

beforeAll(async () => {
  stage = new Stage()
  credentials = new Credentials(stage)
  ;[ending, passing, beginning] = (await freePorts(3)) as [number, number, number]
  const issue = (name: string): PemFiles => credentials.issue(name, { subject: [['CN', name]], names: [name] })
  const pool = async (name: string, pem?: PemFiles) => {
    const [blue, green] = [await startEcho(`${name}-blue`, pem), await startEcho(`${name}-green`, pem)]
    return {
      upstreams: [blue, green].map((origin) => ({ name: origin.name, url: `tcp://127.0.0.1:${origin.port}` })),
    }
  }
  const encrypted = await pool('encrypted', issue('db.test'))
  const tls = { ca: credentials.ca, serverName: 'db.test' }
  await stage.proxy({
    listeners: {
      ending: {
        protocol: 'tcp',
        listen: `127.0.0.1:${ending}`,
        pool: 'plain',
        tls: issue('front.test'),
        serverNames: { '*.front.test': 'other' },
      },
      passing: {
        protocol: 'tcp',
        listen: `127.0.0.1:${passing}`,
        pool: 'encrypted',
        serverNames: { 'own.test': 'own' },
      },
      beginning: { protocol: 'tcp', listen: `127.0.0.1:${beginning}`, pool: 'begun' },
    },
    pools: {
      plain: await pool('plain'),
      other: await pool('other'),
      own: await pool('own', issue('own.test')),
      encrypted,
      begun: {
        upstreams: encrypted.upstreams.map(({ name, url }) => ({ name, url: url.replace('tcp:', 'tls:'), tls })),
      },
    },
  })
}, 30_000)
afterAll(() => stage.stop())
beforeEach(({ skip }) => skipWithout(['openssl'], skip))

test.for([
  ['ended here', () => ending, 'front.test', 'front.test', 'plain-blue'],
  ['ended here, and the pool is chosen by the name', () => ending, 'tea.front.test', 'front.test', 'other-blue'],
  ['passed through to whom it is for', () => passing, 'own.test', 'own.test', 'own-blue'],
  ['passed through by default', () => passing, 'db.test', 'db.test', 'encrypted-blue'],
] as const)('TLS is %s', async ([, port, asked, shown, origin]) => {
  const args = ['-quiet', '-verify_quiet', '-CAfile', credentials.ca, '-servername', asked]
  const { stdout } = await runTool('openssl', ['s_client', ...args, '-connect', `127.0.0.1:${port()}`], {
    input: 'a pot of tea',
  })
  expect(stdout).toBe(`${origin} got a pot of tea`)
  const brief = ['-brief', '-CAfile', credentials.ca, '-servername', asked, '-connect', `127.0.0.1:${port()}`]
  const { stderr } = await runTool('openssl', ['s_client', ...brief], { input: 'a pot of tea' })
  expect(stderr).toMatch(/Verification: OK/)
  expect(stderr).toContain(`CN = ${shown}`)
})

test('TLS begins here toward a tls:// upstream, for a client that speaks none', async () => {
  const text = await new Promise<string>((resolve, reject) => {
    let got = ''
    const socket = connect(beginning, '127.0.0.1', () => socket.write('a pot of tea'))
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      got += chunk
    })
    socket.once('error', reject).once('end', () => resolve(got))
  })
  expect(text).toBe('encrypted-blue got a pot of tea')
})
