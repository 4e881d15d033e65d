// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration file, not of JavaScript
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { formatProblem, loadConfig } from '../../../src/config/load.ts'
import { formatPath, nearest } from '../../../src/config/problems.ts'
import { MINIMAL, parse, problemsOf, withShop } from './support.ts'

describe('everything that is wrong', () => {
  const text = `listeners:
  web:
    listen: 8080
    pool: shop
    limts: { connections: 5 }
  other: { listen: "127.0.0.1:9900", pool: shop }
pools:
  shop:
    kind: statless
    upstreams:
      - { name: blue, url: http://10.0.0.1 }
      - { name: blue, url: "ftp://10.0.0.1" }
    probe:
      interval: 200ms
      timeout: 300ms
      healthy: none
    drain:
    drain: { timeout: 5 }
`

  it('is told at once, in the order of the file, with line and column', () => {
    expect(problemsOf(text)).toEqual([
      'u.yaml:3:13 listeners.web.listen expected an address to listen on, such as 0.0.0.0:8080, "[::]:8080", :8080 or unix:/run/understudy.sock',
      'u.yaml:5:5 listeners.web.limts unknown key `limts`; did you mean `limits`?',
      'u.yaml:6:20 listeners.other.listen is the same address as `admin.listen`',
      'u.yaml:9:11 pools.shop.kind expected one of `stateless`, `singleWriter`; did you mean `stateless`?',
      'u.yaml:12:17 pools.shop.upstreams[1].name `blue` is already taken in this pool',
      'u.yaml:12:28 pools.shop.upstreams[1].url expected the URL of an upstream, such as http://10.0.0.1:3000, https://app.internal or tcp://10.0.0.1:5432',
      'u.yaml:15:16 pools.shop.probe.timeout is 300ms; must be less than `interval`, 200ms',
      'u.yaml:16:16 pools.shop.probe.healthy expected a whole number from 1 to 100',
      'u.yaml:18:5 pools.shop.drain is given twice',
      'u.yaml:18:23 pools.shop.drain.timeout expected a duration with its unit, such as 250ms, 5s, 2m or 1h',
    ])
  })

  it('does not report a relation that rests on a value which is wrong itself', () => {
    const problems = problemsOf(
      withShop('probe: { interval: soon, timeout: 900ms }\nkind: single\nhooks: { fence: [x] }'),
    )
    expect(problems.map((line) => line.split(' ')[1])).toEqual(['pools.shop.probe.interval', 'pools.shop.kind'])
  })

  it('names what is missing where it is missing, with an example', () => {
    expect(problemsOf('listeners:\n  web:\n    pool: shop\n')).toEqual([
      'u.yaml:1:1 pools is required',
      'u.yaml:2:3 listeners.web.listen is required, for example 0.0.0.0:8080',
    ])
  })

  it('asks for a mapping, and tells what it got', () => {
    expect(problemsOf(withShop('probe: 5s\nhold: []\ndrain:'))).toEqual([
      'u.yaml:8:12 pools.shop.probe expected a mapping (`key: value`), not text',
      'u.yaml:9:11 pools.shop.hold expected a mapping (`key: value`), not a list',
      'u.yaml:10:5 pools.shop.drain is empty; remove the key or give it a value',
    ])
  })

  it('includes list items of the wrong kind', () => {
    expect(problemsOf(MINIMAL.replace('{ name: blue, url: http://10.0.0.1:3000 }', 'http://10.0.0.1:3000'))).toEqual([
      'u.yaml:6:9 pools.shop.upstreams[0] expected a mapping (`key: value`), not text',
    ])
  })
})

describe('unknown keys', () => {
  it('are errors with the key that was probably meant', () => {
    expect(problemsOf(withShop('upstreems: []'))).toEqual([
      'u.yaml:8:5 pools.shop.upstreems unknown key `upstreems`; did you mean `upstreams`?',
    ])
  })

  it('list the possible keys when nothing is near', () => {
    expect(problemsOf(withShop('failover: { quickly: yes }'))).toEqual([
      'u.yaml:8:17 pools.shop.failover.quickly unknown key `quickly`; possible here: `mode`',
    ])
  })

  it('are found by nearness whatever the case, and never by a wild guess', () => {
    expect(nearest('HANGAFTER', ['hangAfter', 'gray'])).toBe('hangAfter')
    expect(nearest('shpo', ['shop', 'help'])).toBe('shop')
    expect(nearest('standbys', ['primary', 'standby'])).toBe('standby')
    expect(nearest('cat', ['dog'])).toBeUndefined()
    expect(nearest('x', [])).toBeUndefined()
  })

  it('find the way back from any single slip of the finger', () => {
    const keys = ['upstreams', 'probe', 'detect', 'timeouts', 'replay', 'failover']
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.nat(20), fc.constantFrom('x', ''), (key, at, letter) => {
        const index = at % key.length
        expect(nearest(key.slice(0, index) + letter + key.slice(index + 1), keys)).toBe(key)
      }),
    )
  })
})

describe('damaged text', () => {
  it.each([
    ['a: "x\n', 'u.yaml:2:1 Missing closing "quote (YAML syntax)'],
    ['a:\n\tb: 1\n', 'u.yaml:2:1 indent with spaces, not tabs'],
    ['a: 1\n---\nb: 2\n', 'u.yaml:2:1 a second document starts here; a configuration is one document'],
    ['a: !secret x\n', 'u.yaml:1:4 YAML tags (!…) have no meaning here'],
    ['a: *nobody\n', 'u.yaml:1:4 a refers to an anchor (&…) that is not defined above'],
    ['a: &a [*a]\n', 'u.yaml:1:8 a[0] contains itself'],
    ['? [x]\n: y\n', 'u.yaml:1:3 a key must be plain text'],
    ['a: { b: ${C} }\n', 'u.yaml:1:10 put "${…}" in quotes inside { } and [ ]'],
    ['', 'u.yaml:1:1 the file is empty; it needs at least `listeners` and `pools` (see config/examples/minimal.yaml)'],
    ['- a\n', 'u.yaml:1:1 expected a mapping (`key: value`), not a list'],
  ])('%j is one problem with its place', (text, problem) => {
    expect(problemsOf(text)).toEqual([problem])
  })

  it('is not a bomb: aliases that multiply are refused', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x]']
    for (const [before, name] of ['ab', 'bc', 'cd', 'de', 'ef']) {
      lines.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(', ')}]`)
    }
    expect(problemsOf(lines.join('\n'))).toEqual(['u.yaml:1:1 uses too many YAML aliases (*…)'])
  })

  it('is not a bomb: nesting without end is refused', () => {
    expect(problemsOf('['.repeat(50_000))).toEqual([expect.stringMatching(/^u\.yaml:1:\d+ is nested too deeply$/)])
  })

  it('is not a bomb: a large file is refused unread', () => {
    expect(problemsOf('#'.repeat(1_048_577))).toEqual(['u.yaml:1:1 is larger than 1MiB, which no configuration needs'])
  })

  it('never throws, whatever it is', () => {
    const pieces = fc.constantFrom(
      'pools',
      'shop',
      ':',
      ' ',
      '\n',
      '  ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      '&a ',
      '*a',
      '${X}',
      '"',
      '#',
      '~',
      '|',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
        expect(parse(parts.join('')).ok).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
})

describe('aliases', () => {
  const shared = `listeners: { web: { listen: ":1", pool: a } }
pools:
  a: &a
    upstreams: [{ name: x, url: http://x }, { name: y, url: http://y }]
    hold: { time: never }
  b: *a
`

  it('are followed, and their problems told where the text is', () => {
    expect(problemsOf(shared)).toEqual([
      'u.yaml:5:19 pools.a.hold.time expected a duration with its unit, such as 250ms, 5s, 2m or 1h',
      'u.yaml:5:19 pools.b.hold.time expected a duration with its unit, such as 250ms, 5s, 2m or 1h',
    ])
  })

  it('may be used in a correct file', () => {
    expect(problemsOf(shared.replace('never', '1s'))).toEqual([])
  })
})

describe('a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-config-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const problems = (file: string) => {
    const result = loadConfig(file, {})
    return result.ok ? [] : result.problems.map(formatProblem)
  }

  it('is loaded from disk', () => {
    const file = join(folder, 'good.yaml')
    writeFileSync(file, MINIMAL)
    expect(loadConfig(file, {})).toMatchObject({
      ok: true,
      warnings: [],
      config: { listeners: { web: { pool: 'shop' } } },
    })
  })

  it('that does not exist is one problem with the fix', () => {
    const file = join(folder, 'none.yaml')
    expect(problems(file)).toEqual([
      `${file}: no such file; check the path, or start from config/examples/minimal.yaml`,
    ])
  })

  it('that is a directory is one problem with the fix', () => {
    expect(problems(folder)).toEqual([
      `${folder}: is a directory; name the file in it, such as ${join(folder, 'understudy.yaml')}`,
    ])
  })

  it.skipIf(process.getuid?.() === 0)('that may not be read is one problem with the fix', () => {
    const file = join(folder, 'private.yaml')
    writeFileSync(file, MINIMAL)
    chmodSync(file, 0)
    expect(problems(file)).toEqual([`${file}: may not be read by this user; change its owner or mode`])
  })
})

describe('paths', () => {
  it('are written so that they are not ambiguous', () => {
    expect(formatPath(['pools', 'a.b', 'upstreams', 0, 'url'])).toBe('pools["a.b"].upstreams[0].url')
    expect(formatPath([])).toBe('')
  })
})
