// The recipes for gRPC and TLS: every command as it is written there, with other addresses.
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { freePorts } from '../../../bench/process/free-port.ts'
import { Credentials } from './support/credentials.ts'
import { startOrigins } from './support/grpc-pair.ts'
import { type Done, placed, Recipe } from './support/recipe.ts'
import { type Configuration, Stage } from './support/stage.ts'
import { TellingOrigin, type Told, valuesOf } from './support/telling-origin.ts'
import { runTool, skipWithout } from './support/tool.ts'

let stage: Stage
beforeEach(() => {
  stage = new Stage()
})
afterEach(() => stage.stop())

function expectAsWritten(done: readonly Done[]): void {
  for (const { command, prints, fails, code, output } of done) {
    const seen = `${command}\n${output}`
    if (fails === null) expect([code, seen]).toEqual([0, seen])
    else expect([code, seen]).not.toEqual([0, seen])
    for (const text of [...prints, fails ?? '']) expect(output, command).toContain(text)
  }
}

describe('docs/recipes/grpc.md', () => {
  test('its configuration is config/examples/grpc.yaml', async () => {
    const example = readFileSync('config/examples/grpc.yaml', 'utf8')
    const { configuration } = new Recipe('grpc.md', stage, { adminPort: 0, addresses: {} })
    expect(example.endsWith(configuration)).toBe(true)
    expect(configuration).toMatch(/^listeners:/)
  })

  test('its commands do what it says', async ({ skip }) => {
    skipWithout(['bash', 'curl'], skip)
    const [blue, green] = await startOrigins(stage)
    const [port, adminPort = 0] = await freePorts(2)
    const here = `127.0.0.1:${port}`
    const addresses = {
      '10.0.0.1:50051': `127.0.0.1:${blue.port}`,
      '10.0.0.2:50051': `127.0.0.1:${green.port}`,
      '0.0.0.0:50051': here,
      '127.0.0.1:50051': here,
    }
    const done = await new Recipe('grpc.md', stage, { adminPort, addresses }).carryOut()
    expectAsWritten(done)
    expect(done.length).toBeGreaterThan(3)
    // One message of two bytes: SERVING.
    expect(readFileSync(stage.path('answer')).toString('hex')).toBe('00000000020801')
  })
})

test('config/examples/tls.yaml does what its comments say', async ({ skip }) => {
  skipWithout(['curl'], skip)
  const [upstreams, clients, fronts] = ['ca', 'clients', 'fronts'].map((name) => new Credentials(stage, name)) as [
    Credentials,
    Credentials,
    Credentials,
  ]
  const server = upstreams.issue('server', { names: ['shop.internal'] })
  // Where the file looks for them.
  for (const name of ['shop', 'blog']) fronts.issue(name, { names: [`${name}.example.com`] })
  clients.issue('proxy', { subject: [['CN', 'proxy']], usage: 'client' })
  const ada = clients.issue('ada', { subject: [['CN', 'ada']], usage: 'client' })
  stage.write('ca.pem', upstreams.authority.cert)
  stage.write('clients.pem', clients.authority.cert)
  const tls = {
    ...{ cert: readFileSync(server.cert), key: readFileSync(server.key), ca: clients.authority.cert },
    ...{ requestCert: true, rejectUnauthorized: true },
  }
  const start = async (name: string, secure: boolean): Promise<string> => {
    const { port } = stage.keep(await TellingOrigin.start({ name, ...(secure ? { tls } : {}) }))
    return `127.0.0.1:${port}`
  }
  const [web, plain, inside] = await freePorts(3)
  const text = placed(readFileSync('config/examples/tls.yaml', 'utf8'), {
    '/etc/understudy': stage.folder,
    '0.0.0.0:443': `127.0.0.1:${web}`,
    '0.0.0.0:80': `127.0.0.1:${plain}`,
    '127.0.0.1:8080': `127.0.0.1:${inside}`,
    '10.0.0.1:8443': await start('blue', true),
    '10.0.0.2:8443': await start('green', true),
    '10.0.0.1:8081': await start('assets-blue', false),
    '10.0.0.2:8081': await start('assets-green', false),
  })
  await stage.proxy(parse(text) as Configuration)

  const curl = async (...args: string[]): Promise<string> => {
    const resolve = ['shop', 'blog'].flatMap((name) => ['--resolve', `${name}.example.com:${web}:127.0.0.1`])
    const { code, stdout, stderr } = await runTool('curl', ['-sS', '--cacert', fronts.ca, ...resolve, ...args])
    expect([code, stderr]).toEqual([0, ''])
    return stdout
  }
  const says = ['-w', ' HTTP/%{http_version} %{http_code} %{redirect_url}']
  for (const name of ['shop', 'blog']) {
    expect(await curl(...says, `https://${name}.example.com:${web}/tea`)).toMatch(/^\{"origin":"blue".* HTTP\/2 200 $/)
  }
  const known = ['--cert', ada.cert, '--key', ada.key]
  const told = JSON.parse(await curl(...known, `https://shop.example.com:${web}/tea`)) as Told
  expect([told.peer, valuesOf(told, 'understudy-client-subject')]).toEqual(['proxy', ['CN=ada']])
  const moved = await curl(...says, `http://127.0.0.1:${plain}/tea`)
  expect(moved).toMatch(/ HTTP\/1.1 308 https:\/\/shop.example.com\/$/)
  expect(await curl(`http://127.0.0.1:${inside}/robots.txt`)).toBe('User-agent: *\nDisallow: /cart\n')
  const asset = JSON.parse(await curl(`http://127.0.0.1:${inside}/assets/a.css`)) as Told
  expect([asset.origin, asset.url]).toEqual(['assets-blue', '/static/a.css'])
})

describe('docs/recipes/tls.md', () => {
  test('its commands do what it says, and upstreams get what it says', async ({ skip }) => {
    skipWithout(['bash', 'curl', 'openssl'], skip)
    const blue = stage.keep(await TellingOrigin.start({ name: 'blue' }))
    const green = stage.keep(await TellingOrigin.start({ name: 'green' }))
    const [web, partners, behind, adminPort = 0] = await freePorts(4)
    const addresses = {
      ':8443': `:${web}`,
      ':9443': `:${partners}`,
      ':8081': `:${behind}`,
      ':3001': `:${blue.port}`,
      ':3002': `:${green.port}`,
    }
    const done = await new Recipe('tls.md', stage, { adminPort, addresses }).carryOut()
    expectAsWritten(done)
    expect(done.length).toBeGreaterThan(12)
    expect(done.filter(({ fails }) => fails !== null).length).toBe(3)

    const told = JSON.parse(done.find(({ command }) => command.includes('--cert ada.pem'))?.output ?? '') as Told
    expect(valuesOf(told, 'client-cert')).toEqual([expect.stringMatching(/^:[A-Za-z0-9+/]+=*:$/)])
    expect(valuesOf(told, 'understudy-client-subject')).toEqual(['CN=ada,O=Tea House'])
    const last = JSON.parse(readFileSync(stage.path('answer'), 'utf8')) as Told
    expect(valuesOf(last, 'x-forwarded-for')).toEqual(['127.0.0.1'])
  })
})
