// docs/recipes/redis.md and docs/recipes/mail.md as they stand: their commands, with other addresses.
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { freePorts } from '../../bench/process/free-port.ts'
import { placed, Recipe } from '../e2e/clients/support/recipe.ts'
import { Stage } from '../e2e/clients/support/stage.ts'
import { findProgram, requires } from '../support/servers/installed-program.ts'
import { MailServer, mailPrograms } from '../support/servers/mail.ts'
import { expectAsWritten, pageBlocks } from '../support/servers/recipe-page.ts'
import { RedisServer, redisCli, redisPrograms } from '../support/servers/redis.ts'
import { type TestedConfig, TestedProxy } from '../support/servers/tested-proxy.ts'
import { Workspace } from '../support/servers/workspace.ts'
import { TestAuthority } from '../support/test-authority.ts'

let workspace: Workspace
let stage: Stage
const running: { stop(): Promise<void> }[] = []

beforeEach(() => {
  workspace = new Workspace()
  stage = new Stage()
})

afterEach(async () => {
  await stage.stop()
  for (const each of running.splice(0).reverse()) await each.stop()
  workspace.remove()
})

function keep<T extends { stop(): Promise<void> }>(started: T): T {
  running.push(started)
  return started
}

it.each(['redis', 'mail'])('the configuration of the recipe for %s is that in config/examples', (name) => {
  const [configuration = ''] = pageBlocks(`${name}.md`)('yaml')
  expect(readFileSync(`config/examples/${name}.yaml`, 'utf8').endsWith(configuration)).toBe(true)
  expect(configuration).toMatch(/^listeners:/)
})

const redis = requires('docs/recipes/redis.md', redisPrograms)

describe.skipIf(redis.missing)(redis.title, () => {
  async function startPair(): Promise<Readonly<{ left: RedisServer; right: RedisServer }>> {
    const left = keep(await RedisServer.start('left', workspace))
    const right = keep(await RedisServer.start('right', workspace))
    await redisCli(right.port, 'replicaof', '127.0.0.1', String(left.port))
    const streams = async () => (await redisCli(right.port, 'info', 'replication')).stdout
    await expect.poll(streams, { timeout: 15_000 }).toContain('master_link_status:up')
    return { left, right }
  }

  it('its commands do what it says', async () => {
    const { left, right } = await startPair()
    const [port, adminPort = 0] = await freePorts(2)
    const addresses = {
      '10.0.0.1:6379': `127.0.0.1:${left.port}`,
      '10.0.0.2:6379': `127.0.0.1:${right.port}`,
      '127.0.0.1:6379': `127.0.0.1:${port}`,
      '-h 127.0.0.1 -p 6379': `-h 127.0.0.1 -p ${port}`,
      '-h 10.0.0.1 -p 6379': `-h 127.0.0.1 -p ${left.port}`,
      '-h 10.0.0.2 -p 6379': `-h 127.0.0.1 -p ${right.port}`,
      '10.0.0.2 6379': `127.0.0.1 ${right.port}`,
    }
    const done = await new Recipe('redis.md', stage, { adminPort, addresses, fit: 'active' }).carryOut()
    expectAsWritten(done)
    expect(done.length).toBeGreaterThan(6)
  })

  it('readers go to the replica, and to the primary when it has died', async () => {
    const { left, right } = await startPair()
    await redisCli(left.port, 'set', 'greeting', 'hello')
    const text = placed(pageBlocks('redis.md')('yaml')[1] ?? '', {
      '10.0.0.1:6379': `127.0.0.1:${left.port}`,
      '10.0.0.2:6379': `127.0.0.1:${right.port}`,
      '127.0.0.1:6380': '127.0.0.1:0',
    })
    const proxy = keep(await TestedProxy.start(parse(text) as TestedConfig, workspace))
    const port = proxy.port('reads')
    expect((await redisCli(port, 'info', 'server')).stdout).toContain(`tcp_port:${right.port}`)
    await right.kill()
    expect(await redisCli(port, 'get', 'greeting')).toMatchObject({ code: 0, stdout: 'hello\n' })
  })

  it('with a password, the role is seen by whoever may do nothing else', async () => {
    const { left, right } = await startPair()
    const [rule = ''] = /ACL SETUSER [^`]+/.exec(readFileSync('docs/recipes/redis.md', 'utf8')) ?? []
    await redisCli(left.port, 'acl', 'setuser', 'app', 'on', '>secret', '~*', '+@all')
    expect(await redisCli(left.port, ...rule.split(' '))).toMatchObject({ code: 0, stdout: 'OK\n' })
    expect((await redisCli(left.port, 'set', 'greeting', 'hello')).stderr).toContain('NOPERM')
    const upstreams = [left, right].map(({ name, port }) => ({ name, url: `tcp://127.0.0.1:${port}` }))
    const listeners = { cache: { protocol: 'tcp', listen: '127.0.0.1:0', pool: 'cache' } }
    const pools = { cache: { upstreams, probe: { type: 'redis', role: 'primary' } } }
    const proxy = keep(await TestedProxy.start({ listeners, pools }, workspace))
    const { upstreams: probed } = await proxy.pool('cache')
    expect(probed[0]?.health).toMatchObject({ status: 'healthy', detail: expect.stringContaining('primary') })
    const asApp = ['--no-auth-warning', '--user', 'app', '--pass', 'secret', 'set', 'greeting', 'hello']
    expect(await redisCli(proxy.port('cache'), ...asApp)).toMatchObject({ code: 0, stdout: 'OK\n' })
  })
})

const mail = requires('docs/recipes/mail.md', { ...mailPrograms, openssl: findProgram('openssl') })

describe.skipIf(mail.missing)(mail.title, () => {
  /** With a certificate for that name. */
  async function startSecure(name: string): Promise<string> {
    const issued = new TestAuthority(`authority of ${name}`).issue({ subject: [['CN', name]], names: [name] })
    const server: Server = createServer(issued, (socket) => socket.on('error', () => {}).end('220 secure\r\n'))
    server.on('tlsClientError', () => {})
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    keep({ stop: () => new Promise((closed) => server.close(() => closed())) })
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  it('its commands do what it says, and each message arrives once', async () => {
    const left = keep(await MailServer.start('left', workspace))
    const right = keep(await MailServer.start('right', workspace))
    for (const server of [left, right]) server.behave('proxied')
    const [smtp, submission, adminPort = 0] = await freePorts(3)
    const addresses = {
      '10.0.0.1:10025': `127.0.0.1:${left.port}`,
      '10.0.0.2:10025': `127.0.0.1:${right.port}`,
      '0.0.0.0:25': `127.0.0.1:${smtp}`,
      '127.0.0.1:25': `127.0.0.1:${smtp}`,
      '0.0.0.0:465': `127.0.0.1:${submission}`,
      '127.0.0.1:465': `127.0.0.1:${submission}`,
      '10.0.0.1:465': await startSecure('mail.example.com'),
      '10.0.0.2:465': await startSecure('mail.example.com'),
      '10.0.1.1:465': await startSecure('guests.example.org'),
      '10.0.1.2:465': await startSecure('guests.example.org'),
    }
    const done = await new Recipe('mail.md', stage, { adminPort, addresses }).carryOut()
    expectAsWritten(done)
    expect(done.length).toBeGreaterThan(6)
    const subjects = [left, right].map(({ messages }) => messages.map(({ text }) => text.split('\n')[0]))
    expect(subjects).toEqual([['Subject: hello'], ['Subject: hello again']])
    expect(left.messages[0]?.client).toBe('127.0.0.1')
  })
})
