// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration file, not of JavaScript
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { staleFiles } from '../../../src/config/generate.ts'
import { formatProblem, loadConfig } from '../../../src/config/load.ts'
import { type Outline, outlineOfConfig } from '../../../src/config/outline.ts'
import { configSchema } from '../../../src/config/schema.ts'
import { accepted } from './support.ts'

const read = (path: string): string => readFileSync(path, 'utf8')
const DEFAULT = 'config/understudy.yaml'

describe('the files that come with the product', () => {
  const files = globSync('config/**/*.yaml')

  it('are more than the default', () => {
    expect(files).toContain(DEFAULT)
    expect(files.length).toBeGreaterThan(7)
  })

  it.each(files)('%s has no problem', (path) => {
    const result = loadConfig(path, { UNDERSTUDY_TOKEN: '0123456789abcdef' })
    expect(result.ok ? result.warnings : result.problems.map(formatProblem)).toEqual([])
  })

  it('the default puts blue before green on port 8080, with the admin API on loopback', () => {
    const config = accepted(read(DEFAULT))
    expect(config.listeners.web?.listen.text).toBe('0.0.0.0:8080')
    expect(config.admin.listen.text).toBe('127.0.0.1:9900')
    expect(config.pools.shop?.upstreams.map(({ name, role, url }) => [name, role, url.text])).toEqual([
      ['blue', 'primary', 'http://127.0.0.1:3001'],
      ['green', 'standby', 'http://127.0.0.1:3002'],
    ])
    expect(config.pools.shop?.failback).toEqual({ mode: 'automatic', after: 10_000, ramp: 0 })
  })

  it('the commented keys of the default are its defaults: uncommenting all of them changes nothing', () => {
    expect(accepted(uncommented())).toEqual(accepted(read(DEFAULT)))
  })

  it('the default shows every key that has a default', () => {
    const written = leaves(parseYaml(uncommented()))
    for (const path of withDefault(outlineOfConfig())) expect(written).toContain(path)
  })
})

const uncommented = (): string => read(DEFAULT).replace(/^( *)#((?: {2})*)(?=\w+:)/gm, '$1$2')

/** `pools.*.probe.interval`: names of pools, listeners and list items do not matter. */
function leaves(value: unknown, path = ''): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path]
  return Object.entries(value).flatMap(([key, each]) => {
    const named = path === '.pools' || path === '.listeners'
    return leaves(each, `${path}.${named ? '*' : key}`)
  })
}

function withDefault({ properties, additionalProperties, default: value }: Outline, path = ''): readonly string[] {
  const inner = Object.entries(properties ?? {}).flatMap(([key, each]) => withDefault(each, `${path}.${key}`))
  const named = typeof additionalProperties === 'object' ? withDefault(additionalProperties, `${path}.*`) : []
  const own = properties === undefined && value !== undefined && !path.startsWith('.alerts') ? [path] : []
  // Hooks and TLS are off by default: what is in them is no default of the product.
  return [...own, ...inner, ...named].filter((each) => !each.includes('.hooks.') && !each.includes('.tls.'))
}

describe('what is generated from the schema', () => {
  it('is in sync; run `node src/config/generate.ts` if not', () => {
    expect(staleFiles()).toEqual([])
  })

  it('is noticed when it is missing or old', () => {
    const root = mkdtempSync(join(tmpdir(), 'understudy-generate-'))
    mkdirSync(join(root, 'config'))
    writeFileSync(join(root, 'config/schema.json'), '{}')
    expect(staleFiles(pathToFileURL(`${root}/`))).toEqual(['config/schema.json', 'docs/configuration.md'])
    rmSync(root, { recursive: true })
  })

  it('explains every key', () => {
    expect(undescribed(outlineOfConfig())).toEqual([])
  })

  it('has an example for everything that is required, which is also what repairs use', () => {
    expect(withoutExample(outlineOfConfig())).toEqual([])
  })

  it('has examples that the schema accepts', () => {
    const blocks = [...read('docs/configuration.md').matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml = '']) => yaml)
    expect(blocks.length).toBeGreaterThan(15)
    for (const block of blocks) expect(wrongIn(block)).toEqual([])
  })

  it('lets editors accept variables where a value is narrow', () => {
    const schema = JSON.parse(read('config/schema.json'))
    const level = schema.properties.log.properties.level.anyOf
    expect(level[0].enum).toContain('info')
    expect(new RegExp(schema.$defs.environment.pattern).test('${LEVEL:-info}')).toBe(true)
    expect(level[1]).toEqual({ $ref: '#/$defs/environment' })
  })
})

/** Examples are excerpts: a missing neighbour is no mistake, anything else is. */
function wrongIn(yaml: string): readonly string[] {
  const { listeners = {}, pools = {}, ...rest } = parseYaml(yaml)
  const data = { listeners, pools, ...rest }
  const parsed = configSchema.safeParse(data)
  const issues = parsed.success ? [] : parsed.error.issues
  const given = (path: readonly PropertyKey[]) =>
    path.reduce<unknown>((value, key) => Reflect.get(Object(value), key), data)
  return issues
    .filter(({ path }) => given(path) !== undefined)
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
}

function entries({ properties, additionalProperties, items }: Outline): readonly [string, Outline][] {
  const named: [string, Outline][] = typeof additionalProperties === 'object' ? [['*', additionalProperties]] : []
  const listed: [string, Outline][] = items === undefined ? [] : [['[]', items]]
  return [...Object.entries(properties ?? {}), ...named, ...listed]
}

function undescribed(outline: Outline, path = ''): readonly string[] {
  return entries(outline).flatMap(([key, each]) => {
    const entry = key === '*' || key === '[]'
    const inner = undescribed(each, `${path}.${key}`)
    return entry || (each.description ?? '') !== '' ? inner : [`${path}.${key}`, ...inner]
  })
}

function withoutExample(outline: Outline, path = ''): readonly string[] {
  return entries(outline).flatMap(([key, each]) => {
    const needed = key === '*' || key === '[]' || outline.required?.includes(key)
    const has = each.example !== undefined || each.enum !== undefined
    const inner = withoutExample(each, `${path}.${key}`)
    return needed && !has ? [`${path}.${key}`, ...inner] : inner
  })
}
