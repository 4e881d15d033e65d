import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { EXIT } from '../../../src/cli/exit.ts'
import { createProgram } from '../../../src/cli/program.ts'
import { emptyDir, freePorts, run } from './support.ts'

const SECONDS = 20_000

function file(content: string): string {
  const path = join(emptyDir(), 'understudy.yaml')
  writeFileSync(path, content)
  return path
}

const GOOD = `
listeners:
  web: { listen: 127.0.0.1:8080, pool: shop }
pools:
  shop:
    upstreams:
      - { name: blue, url: http://127.0.0.1:3001 }
      - { name: green, url: http://127.0.0.1:3002 }
`

describe('help', { timeout: SECONDS }, () => {
  it('shows every command and the exit codes', async () => {
    const { code, out } = await run(['--help'])
    expect(code).toBe(EXIT.ok)
    for (const { name } of COMMANDS) expect(out).toContain(`\n  ${name} `)
    expect(out).toContain('Exit codes:')
  })

  it('is what one gets without a command, and then it is wrong usage', async () => {
    const { code, err } = await run([])
    expect(code).toBe(EXIT.usage)
    expect(err).toContain('Usage: understudy')
  })

  it('gives the version', async () => {
    expect(await run(['--version'])).toMatchObject({ code: EXIT.ok, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })

  it('has every command on the page about the command line', () => {
    const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8')
    for (const { name, options } of COMMANDS) {
      expect(page).toContain(`${name}`)
      for (const option of options) expect({ name, on: page.includes(option) }).toEqual({ name, on: true })
    }
  })
})

const COMMANDS = createProgram().commands.map((command) => ({
  name: command.name(),
  options: command.options.map((option) => option.long ?? ''),
}))

describe('wrong usage', { timeout: SECONDS }, () => {
  it.each([
    [['swtchover', 'shop'], 'error: there is no command swtchover; did you mean switchover?\n'],
    [['blah'], 'error: there is no command blah; see understudy --help\n'],
    [['run'], "error: required option '--config <file>' not specified\n"],
    [['status', '--jsn'], "error: unknown option '--jsn'\n(Did you mean --json?)\n"],
    [
      ['drain', 'shop'],
      'error: expected POOL/UPSTREAM; write it like shop/blue; `understudy status` shows the names\n',
    ],
    [
      ['--primary', 'http://10.0.0.1'],
      'error: missing: --standby URL, --listen ADDRESS; give all three, or use understudy run --config FILE\n',
    ],
    [['status', '--admin', 'nonsense'], 'error: --admin: nonsense is not an address; write it like 127.0.0.1:9900\n'],
  ])('%j says what is meant', async (args, err) => {
    expect(await run(args)).toMatchObject({ code: EXIT.usage, out: '', err })
  })
})

describe('check', { timeout: SECONDS }, () => {
  it('accepts a good file', async () => {
    const { code, out } = await run(['check', file(GOOD)])
    expect({ code, out }).toMatchObject({ code: EXIT.ok, out: expect.stringMatching(/^ok: .*: 1 listener, 1 pool\n$/) })
  })

  it('reports every problem at once, with its place', async () => {
    const path = file(GOOD.replace('pool: shop', 'pool: shp').replace('listen:', 'lisen:'))
    const { code, err } = await run(['check', path])
    expect(code).toBe(EXIT.error)
    const lines = err.trim().split('\n')
    expect(lines.length).toBeGreaterThan(1)
    for (const line of lines) expect(line).toMatch(/understudy\.yaml:\d+:\d+ /)
  })

  it('names a file that is not there', async () => {
    const { code, err } = await run(['check', 'nope.yaml'])
    expect({ code, err }).toMatchObject({ code: EXIT.error, err: expect.stringMatching(/^nope\.yaml: no such file/) })
  })

  it('speaks JSON', async () => {
    const { code, out } = await run(['check', file('pools: 1'), '--json'])
    expect(code).toBe(EXIT.error)
    expect(JSON.parse(out)).toMatchObject({ ok: false, problems: [{ line: 1 }, {}] })
  })
})

describe('without a running Understudy', { timeout: SECONDS }, () => {
  it('says that nobody answers, and where to look', async () => {
    const [port] = await freePorts(1)
    const { code, err } = await run(['status', '--admin', `127.0.0.1:${port}`])
    expect(code).toBe(EXIT.unreachable)
    expect(err).toMatch(
      /^error: cannot reach the admin API at 127\.0\.0\.1:\d+ \(ECONNREFUSED\); is Understudy running\?.*\n$/,
    )
  })

  it('tells another server from an admin API', async () => {
    const server = createServer((_, response) => response.end('<html>\u001b[2J'))
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
    })
    const { code, err } = await run(['status', '--admin', `127.0.0.1:${port}`])
    expect({ code, err }).toMatchObject({
      code: EXIT.error,
      err: expect.stringContaining('does not answer like an admin API'),
    })
    server.close()
  })

  it('starts nothing with a wrong configuration', async () => {
    const { code, err } = await run(['run', '--config', file('pools: {}')])
    expect(code).toBe(EXIT.error)
    expect(err).toMatch(/error: the configuration has 2 problems; nothing was started\n$/)
  })
})
