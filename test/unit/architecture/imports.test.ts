/** Who may import whom (.dependency-cruiser.js), and what only one place may do. */
import { glob, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { IConfiguration, ICruiseOptions, ICruiseResult } from 'dependency-cruiser'
import { cruise } from 'dependency-cruiser'
import { describe, expect, it } from 'vitest'

/** Fewer than this means that the cruiser did not understand the sources, and every rule passes unseen. */
const FEWEST_MODULES = 100

const table = new URL('../../../.dependency-cruiser.js', import.meta.url)
const { default: rules }: { default: IConfiguration & { options: ICruiseOptions } } = await import(table.href)
const options: ICruiseOptions = { ...rules.options, ruleSet: { forbidden: rules.forbidden ?? [] }, validate: true }

async function check(path: string): Promise<ICruiseResult> {
  const { output } = await cruise([path], options)
  if (typeof output === 'string') throw new Error(output)
  return output
}

async function sources(): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for await (const path of glob('src/**/*.ts')) found.set(path, await readFile(path, 'utf8'))
  return found
}

/** Lines outside comments that match, as `file:line`. */
async function linesWith(pattern: RegExp, allowed: readonly RegExp[]): Promise<string[]> {
  const hits: string[] = []
  for (const [path, text] of await sources()) {
    if (allowed.some((exception) => exception.test(path))) continue
    text.split('\n').forEach((line, index) => {
      if (!/^\s*(\*|\/\*|\/\/)/.test(line) && pattern.test(line)) hits.push(`${path}:${index + 1} ${line.trim()}`)
    })
  }
  return hits
}

describe('imports', () => {
  it('keep to the table of who may import whom', async () => {
    const { summary } = await check('src')
    expect(summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)).toEqual([])
    expect(summary.totalCruised).toBeGreaterThan(FEWEST_MODULES)
  }, 30_000)

  it('that break the table are noticed', async () => {
    const folder = await mkdtemp('src/core/.trespass-')
    try {
      await writeFile(
        join(folder, 'trespasser.ts'),
        "import { readFileSync } from 'node:fs'\nimport { Hold } from '../../runtime/hold.ts'\nexport const x = [readFileSync, Hold]\n",
      )
      const { summary } = await check(folder)
      const broken = summary.violations.map(({ rule }) => rule.name)
      expect(broken).toContain('core-imports')
      expect(broken).toContain('core-pure')
    } finally {
      await rm(folder, { recursive: true })
    }
  }, 30_000)
})

describe('only one place', () => {
  it('reads the clock, starts timers and draws random numbers', async () => {
    const pattern = /\bDate\.now|\bnew Date\(\)|performance\.now|\bset(Timeout|Interval|Immediate)\(|Math\.random/
    // The end of a turn of the event loop, which outbox.ts waits for, is no time.
    const allowed = [/^src\/runtime\/clock\.ts$/, /^src\/wire\/outbox\.ts$/, /^src\/cli\/(demo-page|wait)\.ts$/]
    expect(await linesWith(pattern, allowed)).toEqual([])
  })

  it('touches the process: the command line, and the generators of docs', async () => {
    expect(await linesWith(/\bprocess\./, [/^src\/cli\//, /\/generate\.ts$/])).toEqual([])
  })

  it('turns the error codes of sockets into failures', async () => {
    const pattern = /['"]E(CONN|PIPE|HOST|NET|TIMEDOUT|AI_|NOTFOUND)[A-Z]*['"]/
    expect(await linesWith(pattern, [/^src\/wire\/socket-failure\.ts$/, /^src\/cli\//])).toEqual([])
  })
})
