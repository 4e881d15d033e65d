/** HAProxy and nginx as neighbours: senders and receivers of the PROXY header, in both versions. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freePorts } from '../../bench/process/free-port.ts'
import { parseConfig } from '../../src/config/load.ts'
import { createLogger } from '../../src/logging.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import type { Understudy } from '../../src/understudy.ts'
import { startUnderstudy } from '../../src/understudy.ts'
import { PlainOrigin } from '../support/plain-origin.ts'
import { findProgram, requires } from '../support/servers/installed-program.ts'

const haproxy = findProgram('haproxy')
const nginx = findProgram('nginx')
const STREAM = ['/usr/lib/nginx/modules/ngx_stream_module.so', '/usr/lib64/nginx/modules/ngx_stream_module.so'].find(
  existsSync,
)
const { missing, title } = requires('the PROXY header', { haproxy, nginx, 'nginx stream': STREAM ?? null })

let folder: string
let origin: PlainOrigin
const clean: (() => unknown)[] = []
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'understudy-neighbours-'))
  origin = await PlainOrigin.start('blue')
})
afterEach(async () => {
  for (const each of clean.splice(0).reverse()) await each()
})
afterAll(async () => {
  origin.stop()
  await rm(folder, { recursive: true, force: true })
})

async function run(program: string | null, args: readonly string[]): Promise<void> {
  const child: ChildProcess = spawn(program ?? '', args, { stdio: 'ignore' })
  const exit = once(child, 'exit')
  clean.push(async () => {
    child.kill('SIGKILL')
    await exit
  })
}

async function runHaproxy(name: string, body: string): Promise<void> {
  const file = join(folder, `${name}.cfg`)
  const defaults = 'defaults\n  timeout connect 2s\n  timeout client 10s\n  timeout server 10s\n'
  await writeFile(file, `global\n  nbthread 1\n${defaults}${body}\n`)
  await run(haproxy, ['-db', '-f', file])
}

async function runNginx(name: string, body: string): Promise<void> {
  const file = join(folder, `${name}.conf`)
  const head = `load_module ${STREAM};\ndaemon off;\nmaster_process off;\npid ${folder}/${name}.pid;\nerror_log ${folder}/${name}.log;\n`
  await writeFile(file, `${head}events {}\n${body}\n`)
  await run(nginx, ['-p', folder, '-c', file])
}

async function startProxy(listener: object, upstreams: readonly object[], probe: object): Promise<Understudy> {
  const text = JSON.stringify({
    admin: { listen: '127.0.0.1:0' },
    state: { dir: join(folder, `state-${clean.length}`) },
    log: { level: 'silent', access: 'off' },
    listeners: { own: { listen: '127.0.0.1:0', pool: 'shop', ...listener } },
    pools: { shop: { upstreams, probe: { interval: '100ms', timeout: '90ms', ...probe } } },
  })
  const parsed = parseConfig(text, { file: 'test', env: {} })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const logger = createLogger({ level: 'silent', access: 'off', clock: systemClock, destination: '/dev/null' })
  const understudy = await startUnderstudy(parsed.config, { version: 'test', logger })
  clean.push(async () => {
    understudy.kill()
    await understudy.stop()
  })
  return understudy
}

/** What is told once everybody has started. */
async function eventually(port: number): Promise<string> {
  let text = ''
  await expect
    .poll(
      async () => {
        text = await fetch(`http://127.0.0.1:${port}/who`).then(
          async (response) => (response.ok ? await response.text() : ''),
          () => '',
        )
        return text
      },
      { timeout: 10_000 },
    )
    .not.toBe('')
  return text
}

describe.skipIf(missing)(title, () => {
  it.each(['v1', 'v2'] as const)('of HAProxy (%s) tells whose connection it is', async (version) => {
    const upstreams = [
      { name: 'blue', url: origin.url },
      { name: 'green', url: 'http://127.0.0.1:9' },
    ]
    const { listeners } = await startProxy({ proxyProtocol: version, trustedProxies: ['127.0.0.1'] }, upstreams, {})
    const [port = 0] = await freePorts(1)
    const send = version === 'v1' ? 'send-proxy' : 'send-proxy-v2'
    await runHaproxy(
      `sender-${version}`,
      `listen l\n  mode tcp\n  bind 127.0.0.1:${port}\n  source 127.0.0.1\n  server s 127.0.0.1:${listeners[0]?.port} ${send}`,
    )
    expect(JSON.parse(await eventually(port))).toMatchObject({ from: 'blue' })
    expect(origin.requests.at(-1)?.headers['x-forwarded-for']).toBe('127.0.0.1')
    // Without the header nobody is let in.
    await expect(fetch(`http://127.0.0.1:${listeners[0]?.port}/who`)).rejects.toThrow()
  })

  it('of nginx tells whose connection it is', async () => {
    const upstreams = [
      { name: 'blue', url: origin.url },
      { name: 'green', url: 'http://127.0.0.1:9' },
    ]
    const { listeners } = await startProxy({ proxyProtocol: 'either' }, upstreams, {})
    const [port = 0] = await freePorts(1)
    // From another address of this machine, so that the one that arrives can only come from the header.
    await runNginx(
      'sender',
      `stream { server { listen 127.0.0.1:${port}; proxy_bind 127.0.0.9; proxy_protocol on; proxy_pass 127.0.0.1:${listeners[0]?.port}; } }`,
    )
    await eventually(port)
    expect(origin.requests.at(-1)?.headers['x-forwarded-for']).toBe('127.0.0.1')
  })

  it.each(['v1', 'v2'] as const)('of ours (%s) is understood by HAProxy, and so are its probes', async (version) => {
    const [port = 0] = await freePorts(1)
    await runHaproxy(
      `receiver-${version}`,
      `frontend f\n  mode http\n  bind 127.0.0.1:${port} accept-proxy\n  http-request return status 200 content-type text/plain lf-string "from %[src] %[src_port]"`,
    )
    await receives(port, version)
  })

  it.each(['v1', 'v2'] as const)('of ours (%s) is understood by nginx, and so are its probes', async (version) => {
    const [port = 0] = await freePorts(1)
    const server = `listen 127.0.0.1:${port} proxy_protocol; location / { return 200 "from $proxy_protocol_addr $proxy_protocol_port"; }`
    await runNginx(`receiver-${version}`, `http { access_log off; server { ${server} } }`)
    await receives(port, version)
  })
})

async function receives(port: number, proxyProtocol: 'v1' | 'v2'): Promise<void> {
  const upstreams = [
    { name: 'blue', url: `tcp://127.0.0.1:${port}`, proxyProtocol },
    { name: 'green', url: 'tcp://127.0.0.1:9', proxyProtocol },
  ]
  const probe = { type: 'tcp', send: 'GET / HTTP/1.0\r\n\r\n', receive: ' 200 ' }
  const { listeners, pools } = await startProxy({ protocol: 'tcp' }, upstreams, probe)
  expect(await eventually(listeners[0]?.port ?? 0)).toMatch(/^from 127\.0\.0\.1 \d+$/)
  await expect.poll(() => pools.get('shop')?.state.upstreams[0]?.health.status, { timeout: 5_000 }).toBe('healthy')
}
