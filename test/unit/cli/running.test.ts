/** The commands toward a running Understudy, and its end. Everything real: processes, sockets, signals. */
import { writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EXIT } from '../../../src/cli/exit.ts'
import type { Ended, Running } from './support.ts'
import { emptyDir, freePorts, run, start } from './support.ts'

const SECONDS = 30_000
const TOKEN = '0123456789abcdef'

let origins: readonly Server[]
let originPorts: readonly number[]
/** Answers that are due; the test says when. */
let answerSlow: (() => void)[] = []

beforeAll(async () => {
  originPorts = await freePorts(2)
  origins = originPorts.map((port) =>
    createServer((request, response) => {
      if (request.url === '/slow') answerSlow.push(() => response.end('done'))
      else if (request.url === '/broken') response.writeHead(500).end('no')
      else response.end('ok')
    }).listen(port, '127.0.0.1'),
  )
})
afterAll(() => {
  for (const origin of origins) {
    origin.closeAllConnections()
    origin.close()
  }
})

type Proxy = Running & Readonly<{ web: string; admin: string; file: string }>

async function proxy(): Promise<Proxy> {
  const file = join(emptyDir(), 'understudy.yaml')
  writeFileSync(
    file,
    `
admin: { listen: 127.0.0.1:0, token: ${TOKEN} }
listeners:
  web: { listen: 127.0.0.1:0, pool: shop }
pools:
  shop:
    upstreams:
      - { name: blue, url: http://127.0.0.1:${originPorts[0]} }
      - { name: green, url: http://127.0.0.1:${originPorts[1]} }
`,
  )
  const running = start(['run', '--config', file])
  await running.says(/upstream-fit[\s\S]*upstream-fit/)
  const lines = (await running.says(/understudy is running/)).trim().split('\n')
  const logged = (message: string) => JSON.parse(lines.find((line) => line.includes(message)) ?? '{}')
  const web = `127.0.0.1:${logged('listening').port}`
  return { ...running, web, admin: `127.0.0.1:${logged('understudy is running').admin.port}`, file }
}

describe('toward a running Understudy', { timeout: SECONDS }, () => {
  let understudy: Proxy
  const ask = (...args: readonly string[]): Promise<Ended> =>
    run([...args, '--admin', understudy.admin], { env: { UNDERSTUDY_TOKEN: TOKEN } })

  beforeAll(async () => {
    understudy = await proxy()
  }, SECONDS)
  afterAll(async () => {
    understudy.child.kill('SIGKILL')
    await understudy.ended
  })

  it('rehearses a failover: the verdict is in the exit code, and nothing changes', async () => {
    const good = await ask('drill', 'shop', '--requests', '3')
    expect({ code: good.code, err: good.err }).toEqual({ code: EXIT.ok, err: '' })
    expect(good.out).toMatch(/^shop: green is ready to take over\n/)
    expect(good.out).toMatch(/│ green +│ 3 +│ 0 +│ 3 × 200/)
    expect(good.out).toContain('probes: 3 of 3 passed\nGET / was asked; nothing has changed.')
    const bad = await ask('drill', 'shop', '--path', '/broken', '--requests', '3')
    expect(bad.code).toBe(EXIT.notReady)
    expect(bad.out).toMatch(
      /^shop: green is NOT ready to take over\n {2}because 3 of 3 requests were answered with 500\n/,
    )
    const json = await ask('drill', 'shop', '--path', '/broken', '--json')
    expect(json.code).toBe(EXIT.notReady)
    expect(JSON.parse(json.out)).toMatchObject({ verdict: 'not-ready', summary: { statuses: { 500: 20 } } })
    expect((await ask('drill', 'shop', '--path', 'broken')).code).toBe(EXIT.usage)
    expect((await ask('drill', 'shop', '--requests', '201')).code).toBe(EXIT.usage)
    expect((await ask('drill', 'shop', '--upstream', 'red')).code).toBe(EXIT.refused)
    expect((await ask('status', 'shop')).out).toContain('shop (epoch 1): blue (primary) is active; green is ready')
  })

  it('shows a table, without colours when nobody looks', async () => {
    const { code, out } = await ask('status')
    expect(code).toBe(EXIT.ok)
    expect(out).toMatch(/│ shop │ blue +│ primary │ active /)
    expect(out).toContain('shop (epoch 1): blue (primary) is active; green is ready to take over.')
    expect(out).not.toContain('\u001b')
  })

  it('speaks JSON', async () => {
    expect(JSON.parse((await ask('status', '--json')).out)).toMatchObject({ pools: [{ pool: 'shop' }] })
    expect(JSON.parse((await ask('status', 'shop', '--json')).out)).toMatchObject({ pool: 'shop' })
    expect(JSON.parse((await ask('explain', 'shop', '--json')).out)).toMatchObject({ decision: {} })
    expect(JSON.parse((await ask('events', '--json')).out)).toMatchObject({ events: expect.any(Array) })
  })

  it('switches, returns and explains', async () => {
    const there = await ask('switchover', 'shop', '--to', 'green', '--why', 'release 42', '--by', 'anna')
    expect(there).toMatchObject({
      code: EXIT.ok,
      out: expect.stringMatching(/^done: pool shop, epoch 2\ngreen \(standby\)/),
    })
    expect((await ask('explain', 'shop')).out).toMatch(/by +anna/)
    expect((await ask('failback', 'shop')).out).toMatch(/^done: pool shop, epoch 3\n/)
    expect((await ask('failback', 'shop')).out).toMatch(/^nothing to change: pool shop, epoch 3\n/)
    const { out } = await ask('events', '--pool', 'shop')
    expect(out).toMatch(/switchover +switchover from blue to green: release 42\n/)
  })

  it('pauses, drains and undoes both', async () => {
    expect((await ask('pause', 'shop')).out).toContain('Automation is paused.')
    expect((await ask('resume', 'shop')).code).toBe(EXIT.ok)
    expect((await ask('drain', 'shop/green')).out).toContain('green: draining')
    expect((await ask('enable', 'shop/green')).out).toContain('green is ready to take over')
  })

  it('passes refusals on, with their own exit code', async () => {
    const refused = await ask('failover', 'shop')
    expect(refused.code).toBe(EXIT.refused)
    expect(refused.err).toMatch(/^error: blue is fit, so there is nothing to fail over from; .*\n$/)
    expect((await ask('pause', 'nope')).code).toBe(EXIT.refused)
  })

  it('needs the token', async () => {
    const { code, err } = await run(['status', '--admin', understudy.admin])
    expect({ code, err }).toEqual({
      code: EXIT.error,
      err: 'error: The admin API needs a token; give the token with --token or in UNDERSTUDY_TOKEN\n',
    })
    expect((await run(['status', '--admin', understudy.admin, '--token', TOKEN])).code).toBe(EXIT.ok)
  })

  it('follows events as they happen', async () => {
    const following = start(['events', '--follow', '--json', '--admin', understudy.admin, '--token', TOKEN])
    await following.says(/"started"/)
    await ask('pause', 'shop', '--by', 'follower')
    const line = (await following.says(/follower/)).trim().split('\n').at(-1) ?? ''
    expect(JSON.parse(line)).toMatchObject({ type: 'paused', by: 'follower' })
    following.child.kill()
    await following.ended
    await ask('resume', 'shop')
  })

  it('does not start twice on the same address', async () => {
    const { code, err } = await run([
      ...['--primary', 'http://127.0.0.1:1', '--standby', 'http://127.0.0.1:2'],
      ...['--listen', understudy.web, '--admin', '127.0.0.1:0'],
    ])
    expect(code).toBe(EXIT.error)
    expect(err).toMatch(/^error: listener web: .* is already in use; stop the other process or change .*\n$/)
  })
})

describe('the end', { timeout: SECONDS }, () => {
  const slow = async (web: string): Promise<Promise<string>[]> => {
    const before = answerSlow.length
    const answer = fetch(`http://${web}/slow`).then((response) => response.text())
    answer.catch(() => {})
    await expect.poll(() => answerSlow.length).toBe(before + 1)
    return [answer]
  }
  const finish = () => {
    for (const answer of answerSlow.splice(0)) answer()
    answerSlow = []
  }

  it.each(['SIGTERM', 'SIGINT'] as const)('%s lets what is in flight finish', async (signal) => {
    const understudy = await proxy()
    const [answer] = await slow(understudy.web)
    understudy.child.kill(signal)
    await understudy.says(/draining/)
    finish()
    expect(await answer).toBe('done')
    expect(await understudy.ended).toMatchObject({ code: 0, signal: null })
  })

  it('comes at once with the second signal', async () => {
    const understudy = await proxy()
    const [answer] = await slow(understudy.web)
    understudy.child.kill('SIGTERM')
    await understudy.says(/draining/)
    understudy.child.kill('SIGTERM')
    expect(await understudy.ended).toMatchObject({ code: 143 })
    await expect(answer).rejects.toThrow()
    finish()
  })

  it('does not come with SIGHUP', async () => {
    const understudy = await proxy()
    understudy.child.kill('SIGHUP')
    await understudy.says(/SIGHUP/)
    expect(await (await fetch(`http://${understudy.web}/`)).text()).toBe('ok')
    understudy.child.kill('SIGTERM')
    expect(await understudy.ended).toMatchObject({ code: 0 })
  })
})
