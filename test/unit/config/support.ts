import { type Environment, formatProblem, parseConfig, type Result } from '../../../src/config/load.ts'
import type { Config, PoolConfig } from '../../../src/config/schema.ts'

export const MINIMAL = `listeners:
  web: { protocol: http, listen: 0.0.0.0:8080, pool: shop }
pools:
  shop:
    upstreams:
      - { name: blue, url: http://10.0.0.1:3000 }
      - { name: green, url: http://10.0.0.2:3000 }
`

export const parse = (text: string, env: Environment = {}): Result => parseConfig(text, { file: 'u.yaml', env })

export function accepted(text: string, env: Environment = {}): Config {
  const result = parse(text, env)
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'))
  return result.config
}

/** The pool `shop` of the smallest configuration with more keys. */
export function shop(keys: string, env: Environment = {}): PoolConfig {
  const pool = accepted(withShop(keys), env).pools.shop
  if (pool === undefined) throw new Error('no pool `shop`')
  return pool
}

export const withShop = (keys: string): string => `${MINIMAL}${keys.replace(/^(?=.)/gm, '    ')}\n`

export function problemsOf(text: string, env: Environment = {}): readonly string[] {
  const result = parse(text, env)
  return result.ok ? [] : result.problems.map(formatProblem)
}

export function warningsOf(text: string): readonly string[] {
  const result = parse(text)
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'))
  return result.warnings.map(formatProblem)
}

/** One listener `l` with more keys in front of one pool `p`. A URL may be followed by more keys of its upstream. */
export const pair = (listener: string, urls: readonly string[], pool = ''): string =>
  `listeners:
  l: { listen: 127.0.0.1:8080, pool: p, ${listener} }
pools:
  p:
    upstreams:
${urls.map((url, index) => `      - { name: u${index}, url: ${url} }\n`).join('')}${pool.replace(/^(?=.)/gm, '    ')}\n`
