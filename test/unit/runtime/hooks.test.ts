import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runHook } from '../../../src/runtime/hooks.ts'
import type { HookRun } from '../../../src/runtime/pool-runtime.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { blue, green } from '../../support/simulated-pool.ts'

const run: HookRun = { hook: 'promote', pool: 'shop', from: blue, to: green, epoch: 4 }
const path = dirname(process.execPath)

let clock: FakeClock
let dir: string

const node = (script: string, ...args: string[]) =>
  runHook([process.execPath, '-e', script, ...args], run, { timeout: 5_000, path, clock })

async function appears(file: string): Promise<void> {
  for (let waited = 0; !existsSync(file); waited += 5) {
    if (waited > 10_000) throw new Error(`${file} did not appear`)
    await pause(5)
  }
}

beforeEach(() => {
  clock = new FakeClock()
  dir = mkdtempSync(join(tmpdir(), 'understudy-hook-'))
})

afterEach(() => {
  clock.assertIdle()
  rmSync(dir, { recursive: true, force: true })
})

describe('a hook', () => {
  it('succeeds with exit code 0', async () => {
    expect(await node('console.log("promoted")')).toEqual({ ok: true, detail: 'exit code 0: promoted' })
  })

  it('fails with any other exit code, and says what it printed', async () => {
    const result = await node('console.error("no\\nquorum"); process.exitCode = 3')
    expect(result).toEqual({ ok: false, detail: 'exit code 3: no quorum' })
  })

  it('fails when a signal ends it', async () => {
    expect(await node('process.kill(process.pid, "SIGKILL")')).toEqual({ ok: false, detail: 'ended by SIGKILL' })
  })

  it('is told what it is to do, and is given nothing else of our environment', async () => {
    const { detail } = await node('console.log(JSON.stringify(process.env))')
    expect(JSON.parse(detail.replace('exit code 0: ', ''))).toEqual({
      PATH: path,
      UNDERSTUDY_HOOK: 'promote',
      UNDERSTUDY_POOL: 'shop',
      UNDERSTUDY_FROM: 'blue',
      UNDERSTUDY_TO: 'green',
      UNDERSTUDY_EPOCH: '4',
    })
  })

  it('gets its arguments as they are: no shell reads them', async () => {
    const { detail } = await node('console.log(process.argv.slice(1).join("|"))', '$(id)', '; rm x', '*')
    expect(detail).toBe('exit code 0: $(id)|; rm x|*')
  })

  it('is looked for in the given path only', async () => {
    const found = await runHook(['node', '-e', ''], run, { timeout: 5_000, path, clock })
    expect(found.ok).toBe(true)
    const missing = await runHook(['node', '-e', ''], run, { timeout: 5_000, path: dir, clock })
    expect(missing).toEqual({ ok: false, detail: 'node cannot be started: spawn node ENOENT' })
  })

  it.each([
    ['no program at all', []],
    ['a program with a null byte', ['a\0b']],
    ['a directory', ['/tmp']],
  ])('that cannot be started is a failure like any other: %s', async (_name, argv) => {
    const result = await runHook(argv, run, { timeout: 5_000, path, clock })
    expect(result.ok).toBe(false)
    expect(result.detail).toContain('cannot be started')
  })

  it('may print any amount; only the end of it is kept, on one line', async () => {
    const { ok, detail } = await node('process.stdout.write("x".repeat(3e6) + "\\n\\u001b[31mthe end\\u0007")')
    expect(ok).toBe(true)
    expect(detail).toMatch(/^exit code 0: …x+ \[31mthe end$/)
    expect(detail.length).toBeLessThan(400)
  })

  it('is asked to end at its deadline', async () => {
    const ready = join(dir, 'ready')
    const result = node(`require('fs').writeFileSync(${JSON.stringify(ready)}, ''); setInterval(() => {}, 1000)`)
    await appears(ready)
    clock.advance(5_000)
    expect(await result).toEqual({ ok: false, detail: 'killed after 5000 ms' })
  })

  it('is killed a second later if it will not end, and has failed even if it says otherwise', async () => {
    const [ready, asked] = [join(dir, 'ready'), join(dir, 'asked')]
    const result = node(`
      const { writeFileSync } = require('fs')
      process.on('SIGTERM', () => writeFileSync(${JSON.stringify(asked)}, ''))
      setInterval(() => {}, 1000)
      writeFileSync(${JSON.stringify(ready)}, '')`)
    await appears(ready)
    clock.advance(5_000)
    await appears(asked)
    clock.advance(1_000)
    expect(await result).toEqual({ ok: false, detail: 'killed after 5000 ms' })
  })

  it('has failed when it ends with code 0 only because its time is over', async () => {
    const ready = join(dir, 'ready')
    const result = node(`
      process.on('SIGTERM', () => process.exit(0))
      setInterval(() => {}, 1000)
      require('fs').writeFileSync(${JSON.stringify(ready)}, '')`)
    await appears(ready)
    clock.advance(5_000)
    expect((await result).ok).toBe(false)
  })

  it('is over when it has ended, even if a program that it left behind keeps its output open', async () => {
    // Removed with its folder after the test, so that nothing is left behind however the test ends.
    const stay = join(dir, 'stay')
    writeFileSync(stay, '')
    const result = node(`
      const { spawn } = require('child_process')
      const wait = 'setInterval(() => { if (!require("fs").existsSync(${JSON.stringify(stay)})) process.exit() }, 5)'
      spawn(process.execPath, ['-e', wait], { stdio: 'inherit', detached: true }).unref()`)
    let settled = false
    const ended = result.finally(() => {
      settled = true
    })
    // Far from its deadline: only the short wait for its last words can end this.
    for (let waited = 0; !settled && waited < 2_000; waited++) {
      await pause(5)
      clock.advance(1)
    }
    expect(await ended).toEqual({ ok: true, detail: 'exit code 0' })
  })
})
