/** The demo as `npm start` runs it, on other ports: kill a shop, watch the other one serve. */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Running } from './support.ts'
import { emptyDir, freePorts, run, start } from './support.ts'

const SECONDS = 30_000

async function configuration(): Promise<Readonly<{ file: string; web: string; shops: readonly number[] }>> {
  const [web = 0, admin = 0, ...shops] = await freePorts(4)
  const file = join(emptyDir(), 'understudy.yaml')
  writeFileSync(
    file,
    `
admin: { listen: 127.0.0.1:${admin} }
listeners:
  web: { listen: 127.0.0.1:${web}, pool: shop }
pools:
  shop:
    upstreams:
      - { name: blue, url: http://127.0.0.1:${shops[0]} }
      - { name: green, url: http://127.0.0.1:${shops[1]} }
`,
  )
  return { file, web: `http://127.0.0.1:${web}/`, shops }
}

type Shop = Readonly<{ servedBy: string; pid: number }>
const ask = async (web: string): Promise<Shop> =>
  (await fetch(web, { headers: { accept: 'application/json' } })).json() as Promise<Shop>

/** Signal 0 asks only whether it is there; a zombie is not. */
const answers = (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${port}/healthz`).then(
    () => true,
    () => false,
  )

async function begin(file: string): Promise<Running> {
  const demo = start(['demo', '--config', file])
  await demo.says(/Ctrl-C[\s\S]*upstream-fit[\s\S]*upstream-fit/)
  return demo
}

describe('the demo', { timeout: SECONDS }, () => {
  it('survives the death of a shop, and brings it back', async () => {
    const { file, web, shops } = await configuration()
    const demo = await begin(file)
    const instructions = demo.out().split('\n').slice(0, 12)
    const { servedBy, pid } = await ask(web)
    expect(servedBy).toBe('blue')
    expect(instructions.join('\n')).toContain(`kill -9 ${pid}`)
    process.kill(pid, 'SIGKILL')
    expect((await ask(web)).servedBy).toBe('green')
    await demo.says(/failover from blue to green/)
    await demo.says(/blue is back, pid \d+/)
    demo.child.kill('SIGINT')
    expect(await demo.ended).toMatchObject({ code: 0, err: '' })
    for (const port of shops) expect(await answers(port)).toBe(false)
  })

  it('shows a page to browsers, and takes orders', async () => {
    const { file, web } = await configuration()
    const demo = await begin(file)
    const page = await fetch(web, { headers: { accept: 'text/html' } })
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await page.text()).toContain('Served by <b id="name">blue</b>')
    const order = await fetch(`${web}orders`, { method: 'POST', body: '{"item":"tea"}' })
    expect({ status: order.status, body: await order.json() }).toMatchObject({ status: 201, body: { order: 1 } })
    demo.child.kill('SIGTERM')
    await demo.ended
  })

  it('leaves no shop behind when it is killed itself', async () => {
    const { file, shops } = await configuration()
    const demo = await begin(file)
    demo.child.kill('SIGKILL')
    await demo.ended
    for (const port of shops) await expect.poll(() => answers(port), { timeout: 5_000 }).toBe(false)
  })

  it('says whose port is in use', async () => {
    const { file, shops } = await configuration()
    const other = createServer().listen(shops[1], '127.0.0.1')
    const { code, err } = await run(['demo', '--config', file])
    expect({ code, err }).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^error: demo upstream green: cannot listen on .* \(EADDRINUSE\); .*\n$/),
    })
    await expect.poll(() => answers(shops[0] ?? 0)).toBe(false)
    other.close()
  })
})
