/** The example application of the documentation, run as it is. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { PlainOrigin } from '../../support/plain-origin.ts'

const EXAMPLE = new URL('../../../docs/examples/shop-app.ts', import.meta.url).pathname
const PASSWORD = { authorization: 'Bearer open sesame' }

let child: ChildProcess | null = null
const clean: (() => unknown)[] = []
afterEach(async () => {
  child?.kill('SIGKILL')
  for (const each of clean.splice(0)) await each()
})

it('docs/examples/shop-app.ts serves a pair behind its own hooks and routes, and ends by itself', async () => {
  const [blue, green] = [await PlainOrigin.start('blue'), await PlainOrigin.start('green')]
  const dir = await mkdtemp(join(tmpdir(), 'understudy-example-'))
  clean.push(
    () => blue.stop(),
    () => green.stop(),
    () => rm(dir, { recursive: true, force: true }),
  )
  child = spawn(process.execPath, [EXAMPLE], {
    env: { ...process.env, PORT: '0', BLUE: blue.url, GREEN: green.url, STATE_DIR: dir },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  const url = line.toString().trim()

  expect((await fetch(`${url}/api/items`)).status).toBe(401)
  const answer = await fetch(`${url}/api/items`, { headers: PASSWORD })
  expect(await answer.json()).toMatchObject({ from: 'blue', url: '/items' })
  expect(await (await fetch(`${url}/who`, { headers: PASSWORD })).json()).toMatchObject([
    { pool: 'shop', active: 'blue' },
  ])

  const ready = async () => JSON.stringify(await (await fetch(`${url}/who`, { headers: PASSWORD })).json())
  await expect.poll(ready, { timeout: 10_000 }).toContain('green is ready')
  const moved = await fetch(`${url}/maintenance`, { method: 'POST', headers: PASSWORD })
  expect(await moved.json()).toMatchObject({ changed: true, active: 'green' })

  child.kill('SIGTERM')
  expect(await exit).toEqual([0, null])
})
