import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProbeResult } from '../../../src/core/health.ts'
import { upstreamId } from '../../../src/core/upstream.ts'
import { execProbe } from '../../../src/probe/exec-probe.ts'
import type { ProbeTarget } from '../../../src/probe/probe.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { at, atPath } from '../../support/place.ts'

const path = dirname(process.execPath)
const target: ProbeTarget = { id: upstreamId('blue'), ...at(5432, '10.0.0.1'), tls: null }

let clock: FakeClock
let dir: string

beforeEach(() => {
  clock = new FakeClock()
  dir = mkdtempSync(join(tmpdir(), 'understudy-probe-'))
})

afterEach(() => {
  clock.assertIdle()
  rmSync(dir, { recursive: true, force: true })
})

const run = (command: readonly string[], options = { path }, on = target): Promise<ProbeResult> =>
  new Promise((resolve) => execProbe({ command, ...options })(on, { timeout: 5_000, clock }, resolve))

const node = (script: string, ...args: string[]) => run([process.execPath, '-e', script, ...args])

/** Starts a program and tells its process id, and whatever else it writes there, once it has. */
async function begin(script: string) {
  const ready = join(dir, 'ready')
  const results: ProbeResult[] = []
  const tell = `require('fs').writeFileSync(${JSON.stringify(`${ready}.new`)}, pids.join()); require('fs').renameSync(${JSON.stringify(`${ready}.new`)}, ${JSON.stringify(ready)})`
  const command = [process.execPath, '-e', `const pids = [process.pid]; ${script}; ${tell}`]
  const cancel = execProbe({ command, path })(target, { timeout: 5_000, clock }, (result) => results.push(result))
  await until(() => existsSync(ready), 'the program to begin')
  return { cancel, results, pids: readFileSync(ready, 'utf8').split(',').map(Number) }
}

async function until(check: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !check(); waited += 5) {
    if (waited > 10_000) throw new Error(`waited in vain for ${what}`)
    await pause(5)
  }
}

/** What has ended and was not yet asked for by its parent is no more running than what is gone. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

const FOREVER = 'setInterval(() => {}, 1000)'
const CHILD = `const child = require('child_process').spawn(process.execPath, ['-e', '${FOREVER}'], { stdio: 'inherit' }); pids.push(child.pid)`

describe('the exec probe', () => {
  it('passes with exit code 0, and shows the first line of what the program printed', async () => {
    expect(await node('console.log("OK - lag 0 s\\nmore")')).toEqual({
      verdict: 'pass',
      failure: null,
      detail: 'exit code 0 in 0 ms: OK - lag 0 s',
      latency: 0,
    })
    expect(await node('')).toMatchObject({ verdict: 'pass', detail: 'exit code 0 in 0 ms' })
  })

  it.each([
    [1, 'fail'],
    [2, 'leaving'],
    [3, 'fail'],
    [255, 'fail'],
  ])('with exit code %d reports: %s', async (code, verdict) => {
    expect(await node(`console.error("no\\tquorum"); process.exitCode = ${code}`)).toMatchObject({
      verdict,
      failure: null,
      detail: `exit code ${code} in 0 ms: no quorum`,
    })
  })

  it('fails when a signal ends the program', async () => {
    expect(await node('process.kill(process.pid, "SIGTERM")')).toMatchObject({
      verdict: 'fail',
      failure: null,
      detail: 'ended by SIGTERM',
    })
  })

  it('tells the program which upstream it is about, and nothing else of our environment', async () => {
    const show = 'console.log(JSON.stringify(process.env))'
    const environment = ({ detail }: ProbeResult) => JSON.parse(detail.slice(detail.indexOf('{')))
    const brief = { path: '/bin' }
    expect(environment(await run([process.execPath, '-e', show], brief))).toEqual({
      PATH: '/bin',
      UNDERSTUDY_UPSTREAM: 'blue',
      UNDERSTUDY_HOST: '10.0.0.1',
      UNDERSTUDY_PORT: '5432',
    })
    const unix = { ...target, ...atPath('/run/app.sock') }
    expect(environment(await run([process.execPath, '-e', show], brief, unix))).toMatchObject({
      UNDERSTUDY_HOST: '/run/app.sock',
      UNDERSTUDY_PORT: '',
    })
  })

  it('gives the program its arguments as they are: no shell reads them', async () => {
    const { detail } = await node('console.log(process.argv.slice(1).join("|"))', '$(id)', '; rm x', '*')
    expect(detail).toBe('exit code 0 in 0 ms: $(id)|; rm x|*')
  })

  it('looks for the program in the given path only', async () => {
    expect(await run(['node', '-e', ''])).toMatchObject({ verdict: 'pass' })
    expect(await run(['node', '-e', ''], { path: dir })).toMatchObject({ verdict: 'fail', failure: 'aborted' })
  })

  it.each([
    ['no program at all', []],
    ['a program with a null byte', ['a\0b']],
    ['a directory', ['/tmp']],
    ['a program that does not exist', ['/nonexistent/check']],
  ])('does not blame the upstream when the program cannot be started: %s', async (_name, command) => {
    const result = run(command)
    clock.advance(0)
    const { verdict, failure, detail } = await result
    expect([verdict, failure]).toEqual(['fail', 'aborted'])
    expect(detail).toContain('cannot be started')
  })

  it('lets the program print any amount, and keeps little of it', async () => {
    const { verdict, detail } = await node('process.stdout.write("x".repeat(3e6) + "\\n")')
    expect(verdict).toBe('pass')
    expect(detail).toBe(`exit code 0 in 0 ms: ${'x'.repeat(200)}…`)
  })

  it('gives the program nothing to read', async () => {
    expect(await node('process.stdin.on("data", () => {}).on("end", () => console.log("end"))')).toMatchObject({
      detail: 'exit code 0 in 0 ms: end',
    })
  })

  it('ends the program and its children at the deadline, even if they ignore requests', async () => {
    const { results, pids } = await begin(`process.on('SIGTERM', () => {}); ${CHILD}; ${FOREVER}`)
    expect(pids).toHaveLength(2)
    clock.advance(4_999)
    expect(pids.map(isRunning)).toEqual([true, true])
    clock.advance(1)
    expect(results).toEqual([
      {
        verdict: 'fail',
        failure: 'timeout',
        detail: 'the program was still running after 5000 ms',
        latency: 5_000,
      },
    ])
    await until(() => !pids.some(isRunning), 'the processes to end')
  })

  it('ends them, too, when it is cancelled, and says nothing any more', async () => {
    const { cancel, results, pids } = await begin(`${CHILD}; ${FOREVER}`)
    cancel()
    clock.assertIdle()
    await until(() => !pids.some(isRunning), 'the processes to end')
    expect(results).toEqual([])
  })

  it('is over when the program has ended, even if a child keeps its output open, and ends that child', async () => {
    const { results, pids } = await begin(`${CHILD}; child.unref()`)
    // Far from its deadline: only the short wait for its last words can end this.
    for (let waited = 0; results.length === 0 && waited < 2_000; waited++) {
      await pause(5)
      clock.advance(1)
    }
    expect(results).toMatchObject([{ verdict: 'pass' }])
    await until(() => !pids.some(isRunning), 'the processes to end')
  })
})
