/** No Docker engine is needed: what the container files refer to must exist and fit together. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { formatProblem, loadConfig } from '../../../src/config/load.ts'
import type { Config } from '../../../src/config/schema.ts'
import { METRICS, PREFIX } from '../../../src/metrics/table.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const read = (path: string): string => readFileSync(root + path, 'utf8')
const exists = (path: string): boolean => existsSync(root + path)

type Service = Readonly<{
  image: string
  build?: string
  entrypoint?: readonly string[]
  environment?: Readonly<Record<string, string>>
  ports?: readonly string[]
  volumes?: readonly string[]
  secrets?: readonly string[]
  stop_grace_period?: string
  networks: Readonly<Record<string, Readonly<{ ipv4_address?: string }>>>
}>
type Compose = Readonly<{
  services: Readonly<Record<string, Service>>
  secrets: Readonly<Record<string, Readonly<{ environment: string }>>>
  volumes: object
  networks: Readonly<Record<string, Readonly<{ ipam: { config: readonly { subnet: string }[] } }>>>
}>
type Prometheus = Readonly<{
  rule_files: readonly string[]
  scrape_configs: readonly Readonly<{
    job_name: string
    authorization: { credentials_file: string }
    static_configs: readonly { targets: readonly string[] }[]
  }>[]
}>
type Alerts = Readonly<{ groups: readonly Readonly<{ rules: readonly Readonly<{ alert: string; expr: string }>[] }>[] }>

const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose
const prometheus = parse(read('config/prometheus.yml')) as Prometheus
const alerts = parse(read('config/prometheus-alerts.yml')) as Alerts
const dockerfile = read('Dockerfile')

const TOKEN = 'a-token-of-more-than-16-characters'
const SHOPS = ['blue', 'green'] as const

function service(name: string): Service {
  const found = compose.services[name]
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`)
  return found
}

function proxyConfig(): Config {
  const result = loadConfig(`${root}config/compose.yaml`, { UNDERSTUDY_TOKEN: TOKEN })
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'))
  expect(result.warnings).toEqual([])
  return result.config
}

const addressOf = (name: string): string | undefined => service(name).networks.pair?.ipv4_address

test('the proxy, two shops and Prometheus are the services', () => {
  expect(Object.keys(compose.services).sort()).toEqual(['blue', 'green', 'prometheus', 'proxy'])
})

test('every service has its own address in the network or needs none', () => {
  const addresses = Object.keys(compose.services).flatMap((name) => addressOf(name) ?? [])
  expect(new Set(addresses).size).toBe(3)
  const subnet = compose.networks.pair?.ipam.config[0]?.subnet ?? ''
  expect(subnet).toMatch(/\.0\/24$/)
  for (const address of addresses) expect(address.startsWith(subnet.replace(/0\/24$/, ''))).toBe(true)
})

test('the files of the repository that are mounted exist', () => {
  const mounted = Object.values(compose.services)
    .flatMap(({ volumes = [] }) => volumes)
    .filter((volume) => volume.startsWith('./'))
    .map((volume) => volume.split(':')[0] ?? '')
  expect(mounted.length).toBeGreaterThan(2)
  for (const file of mounted) expect(exists(file), file).toBe(true)
})

test('named volumes and secrets are declared', () => {
  for (const { volumes = [], secrets = [] } of Object.values(compose.services)) {
    const named = volumes.map((volume) => volume.split(':')[0] ?? '').filter((source) => !source.startsWith('./'))
    for (const name of named) expect(compose.volumes).toHaveProperty(name)
    for (const name of secrets) expect(compose.secrets).toHaveProperty(name)
  }
})

test('the configuration of the container is valid and needs the token', () => {
  const config = proxyConfig()
  expect(config.admin.token).toBe(TOKEN)
  expect(loadConfig(`${root}config/compose.yaml`, {}).ok).toBe(false)
  expect(service('proxy').environment).toHaveProperty('UNDERSTUDY_TOKEN')
})

test('the upstreams of the configuration are the shops, at their addresses and ports', () => {
  const { upstreams = [] } = proxyConfig().pools.shop ?? {}
  const shops = SHOPS.map((name) => {
    const [program, script = '', shop, host, port] = service(name).entrypoint ?? []
    expect([program, host]).toEqual(['node', '0.0.0.0'])
    expect(exists(script), script).toBe(true)
    return { name: shop, url: `http://${addressOf(name)}:${port}` }
  })
  expect(upstreams.map(({ name, url }) => ({ name, url: url.text }))).toEqual(shops)
})

test('published and exposed ports are those that the proxy listens on', () => {
  const { listeners, admin } = proxyConfig()
  const listening = [listeners.web?.listen, admin.listen].map((listen) => (listen?.kind === 'tcp' ? listen.port : 0))
  const published = (service('proxy').ports ?? []).map((port) => Number(port.split(':').at(-1)))
  expect(published).toEqual(listening)
  const exposed = /^EXPOSE (.+)$/m.exec(dockerfile)?.[1]?.split(' ').map(Number)
  expect(exposed).toEqual(listening)
})

test('the admin API is published to this machine only', () => {
  const admin = service('proxy').ports?.find((port) => port.endsWith(':9900'))
  expect(admin).toMatch(/^127\.0\.0\.1:/)
})

test('a stopping container may finish what is in flight', () => {
  const patience = Math.max(...Object.values(proxyConfig().pools).map(({ drain }) => drain.timeout))
  expect(Number.parseInt(service('proxy').stop_grace_period ?? '0', 10) * 1_000).toBeGreaterThan(patience)
})

test('the state is kept in the volume, where the user of the image may write', () => {
  const { dir } = proxyConfig().state
  expect(service('proxy').volumes).toContain(`state:${dir}`)
  expect(dockerfile).toContain(`chown node:node ${dir}`)
  expect(dockerfile).toMatch(/^USER node$/m)
})

test('what the image copies and runs exists, and is sent to the builder', () => {
  const ignored = read('.dockerignore')
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) =>
    sources.split(' '),
  )
  expect(copied.length).toBeGreaterThan(3)
  for (const source of copied) {
    expect(exists(source), source).toBe(true)
    expect(ignored).toContain(`!${source}\n`)
  }
  const [, entry = ''] = /^ENTRYPOINT \["node", "([^"]+)"\]$/m.exec(dockerfile) ?? []
  expect(exists(entry), entry).toBe(true)
  const [, config = ''] = /^CMD \["run", "--config", "([^"]+)"\]$/m.exec(dockerfile) ?? []
  expect(service('proxy').volumes).toContain(`./config/compose.yaml:${config}:ro`)
})

test('Prometheus asks the admin API by its address, with the token', () => {
  const [job] = prometheus.scrape_configs
  const { listen } = proxyConfig().admin
  const port = listen.kind === 'tcp' ? listen.port : 0
  expect(job?.static_configs[0]?.targets).toEqual([`${addressOf('proxy')}:${port}`])
  const [secret = ''] = service('prometheus').secrets ?? []
  expect(job?.authorization.credentials_file).toBe(`/run/secrets/${secret}`)
  expect(compose.secrets[secret]?.environment).toBe('UNDERSTUDY_TOKEN')
  const [rules = ''] = prometheus.rule_files
  expect(service('prometheus').volumes?.some((volume) => volume.includes(`/etc/prometheus/${rules}`))).toBe(true)
})

test('alerts ask for metrics that exist, with labels that they have', () => {
  const rules = alerts.groups.flatMap((group) => group.rules)
  expect(rules.length).toBeGreaterThan(4)
  for (const { alert, expr } of rules) {
    for (const [, name = ''] of expr.matchAll(/understudy_(\w+)/g)) {
      expect(
        METRICS.some((row) => row.name === name),
        `${alert}: ${PREFIX}${name}`,
      ).toBe(true)
    }
    if (expr.includes('up{')) expect(expr).toContain(`job="${prometheus.scrape_configs[0]?.job_name}"`)
  }
})
