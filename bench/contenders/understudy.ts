// Understudy itself, from this checkout, with its default settings: only addresses, the health path and, for TLS, the
// certificate are given.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { now } from '../clock.ts'
import { startChild } from '../process/child.ts'
import { nodeBinary } from '../process/node-binary.ts'
import {
  addressOf,
  type Contender,
  type ContenderOptions,
  frontReady,
  httpRequest,
  type PairSettings,
  ready,
} from './contender.ts'
import { HTTP } from './front.ts'

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url))
const COMMAND = join(CHECKOUT, 'src/cli/understudy.js')
const POOL = 'shop'
const FIRST_EPOCH = 1

const listener = ({ listenPort, front = HTTP, settings }: ContenderOptions): string => {
  const limits = settings?.clients === undefined ? '' : `, limits: { connections: ${settings.clients} }`
  const common = `listen: "127.0.0.1:${listenPort}", pool: ${POOL}${limits}`
  switch (front.protocol) {
    case 'http':
      return `{ protocol: http, ${common} }`
    case 'tls': {
      const { certFile, keyFile } = front.certificate
      return `{ protocol: http, ${common}, tls: { cert: "${certFile}", key: "${keyFile}" } }`
    }
    case 'tcp':
      return `{ protocol: tcp, ${common} }`
  }
}

const extras = ({ failbackAfterMs, resume }: PairSettings): string =>
  [
    ...(failbackAfterMs === undefined ? [] : [`    failback: { after: ${failbackAfterMs}ms }\n`]),
    ...(resume ? ['    replay: { resume: true }\n'] : []),
  ].join('')

/** Pools beside the one that is measured, each with a listener of its own. Their probes are rare: those are work of their own. */
const others = ({ primary, standby, workDir }: ContenderOptions, count: number) => {
  const names = Array.from({ length: count }, (_, i) => `other-${i + 1}`)
  const upstreams = `[{ name: a, url: "http://${addressOf(primary)}" }, { name: b, url: "http://${addressOf(standby)}" }]`
  return {
    listeners: names
      .map((name) => `  ${name}: { protocol: http, listen: "unix:${join(workDir, name)}", pool: ${name} }\n`)
      .join(''),
    pools: names.map((name) => `  ${name}: { upstreams: ${upstreams}, probe: { interval: 10m } }\n`).join(''),
  }
}

type Size = { readonly pools: number; readonly workers: number }

const configure = (options: ContenderOptions, { pools, workers }: Size): string => {
  const { adminPort, primary, standby, workDir, front = HTTP, settings = {} } = options
  const [scheme, probe] =
    front.protocol === 'tcp'
      ? ['tcp', '{ type: tcp }']
      : settings.http2Upstreams
        ? ['h2c', '{ type: tcp }']
        : ['http', '{ type: http, path: /healthz }']
  const more = others(options, pools - 1)
  return `
admin: { listen: "127.0.0.1:${adminPort}" }
state: { dir: "${join(workDir, 'state')}" }
log: { level: warn, access: "off" }
${workers === 1 ? '' : `workers: ${workers}\n`}listeners:
  web: ${listener(options)}
${more.listeners}pools:
  ${POOL}:
    upstreams:
      - { name: ${primary.name}, url: "${scheme}://${addressOf(primary)}" }
      - { name: ${standby.name}, url: "${scheme}://${addressOf(standby)}" }
    probe: ${probe}
${extras(settings)}${more.pools}`
}

/** A thousand pools that are alike need not be read. */
const published = (options: ContenderOptions, size: Size): string =>
  size.pools === 1
    ? configure(options, size)
    : `${configure(options, { ...size, pools: 2 })}# and so on, ${size.pools} pools in all\n`

const command = async (adminPort: number, name: 'switchover' | 'failback'): Promise<void> => {
  const answer = await httpRequest(adminPort, 'POST', `/pools/${POOL}/${name}`, {})
  if (answer.status >= 300) throw new Error(`understudy refused the ${name}: ${answer.status} ${answer.text}`)
}

type Notice = { readonly at: string; readonly epoch: number }

/** Every move is one epoch; the first notice of an epoch tells when. Its clock is the wall's, ours is monotonic. */
const switches = async (adminPort: number): Promise<number[]> => {
  const { text } = await httpRequest(adminPort, 'GET', `/events?since=0&limit=1000&pool=${POOL}`)
  const ahead = Date.now() - now()
  const { events } = JSON.parse(text) as { events: readonly Notice[] }
  return events
    .filter(({ epoch }, i) => epoch > (events[i - 1]?.epoch ?? FIRST_EPOCH))
    .map(({ at }) => Date.parse(at) - ahead)
}

const start =
  (size: Size): Contender['start'] =>
  async (options) => {
    const file = join(options.workDir, 'understudy.yaml')
    writeFileSync(file, configure(options, size))
    const child = await startChild({
      name: 'understudy',
      command: nodeBinary(),
      args: [COMMAND, 'run', '--config', file],
      logFile: join(options.workDir, 'understudy.log'),
      cwd: options.workDir,
      cpu: options.cpu,
    })
    await ready(child, options.adminPort, '/readyz')
    await frontReady(child, options)
    return {
      pid: child.pid,
      configuration: published(options, size),
      log: child.output,
      stop: child.end,
      switchover: () => command(options.adminPort, 'switchover'),
      failback: () => command(options.adminPort, 'failback'),
      switches: () => switches(options.adminPort),
    }
  }

export const understudy: Contender = {
  name: 'understudy',
  hasSwitchoverApi: true,
  fronts: ['http', 'tls', 'tcp'],
  available: () => {
    if (!existsSync(COMMAND)) return null
    return (JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')) as { version: string }).version
  },
  start: start({ pools: 1, workers: 1 }),
}

const sized = (name: string, size: Size, fronts: Contender['fronts']): Contender => ({
  ...understudy,
  name: `understudy-${name}`,
  variantOf: understudy.name,
  engineOnly: true,
  fronts,
  start: start(size),
})

export const understudyWith100Pools = sized('100-pools', { pools: 100, workers: 1 }, ['http'])
export const understudyWith1000Pools = sized('1000-pools', { pools: 1_000, workers: 1 }, ['http'])
export const understudyWith2Workers = sized('2-workers', { pools: 1, workers: 2 }, understudy.fronts)
