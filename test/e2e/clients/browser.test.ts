// A headless Chromium on a page that fetches, listens to events and talks through a WebSocket, all by TLS, while the primary
// is killed.
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../../bench/clock.ts'
import { freePorts } from '../../../bench/process/free-port.ts'
import { ChildOrigin } from './support/child-origin.ts'
import { Credentials } from './support/credentials.ts'
import { Stage } from './support/stage.ts'
import { pathOf, skipWithout } from './support/tool.ts'

const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
]

/** As page.html keeps it. */
type Seen = {
  readonly gets: number
  readonly failures: readonly string[]
  /** Number and origin. */
  readonly events: readonly (readonly [number, string])[]
  readonly eventBreaks: number
  readonly opened: number
  readonly closed: number
  readonly echoes: readonly string[]
}

let stage: Stage
let blue: ChildOrigin
let browser: Browser
let page: Page
let url: string

const startOrigin = async (name: string): Promise<ChildOrigin> =>
  stage.keep(await ChildOrigin.start({ program: 'page-origin.ts', name, workDir: stage.folder }))

beforeAll(async () => {
  const executablePath = pathOf('chromium')
  if (executablePath === null) return
  stage = new Stage()
  const [port] = await freePorts(1)
  url = `https://localhost:${port}/`
  blue = await startOrigin('blue')
  const green = await startOrigin('green')
  const tls = new Credentials(stage).issue('web', { names: ['localhost'] })
  await stage.proxy({
    listeners: { web: { listen: `127.0.0.1:${port}`, pool: 'shop', tls } },
    pools: {
      shop: {
        probe: { path: '/healthz' },
        upstreams: [blue, green].map((origin) => ({ name: origin.name, url: `http://127.0.0.1:${origin.port}` })),
      },
    },
  })
  browser = await chromium.launch({ executablePath, args: FLAGS })
  page = await browser.newPage({ ignoreHTTPSErrors: true })
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await stage?.stop()
})

const seen = (): Promise<Seen> => page.evaluate('seen')

async function untilSeen(what: string, check: (seen: Seen) => boolean): Promise<void> {
  await until(what, async () => check(await seen()), 15_000)
}

const eventsFrom = ({ events }: Seen, origin: string) => events.filter(([, from]) => from === origin)
const echoesFrom = ({ echoes }: Seen, origin: string) => echoes.filter((echo) => echo.startsWith(`${origin}: tea`))
const order = (): Promise<object> => page.evaluate(`order('two teas')`)

describe('Chromium', () => {
  test('loads a page by HTTP/2, and all that it does goes to the primary', async ({ skip }) => {
    skipWithout(['chromium'], skip)
    await page.goto(url)
    expect(await page.title()).toBe('A page that asks all the time')
    const protocol = await page.evaluate(`performance.getEntriesByType('navigation')[0].nextHopProtocol`)
    expect(protocol).toBe('h2')
    expect(await order()).toEqual({ status: 200, origin: 'blue', body: 'two teas' })
    await untilSeen('answers, events and echoes of blue', (so) => {
      return so.gets > 20 && eventsFrom(so, 'blue').length > 3 && echoesFrom(so, 'blue').length > 3
    })
    expect(await seen()).toMatchObject({ failures: [], eventBreaks: 0, opened: 1, closed: 0 })
  })

  test('the primary is killed: no fetch fails, events and WebSocket go on with the standby', async ({ skip }) => {
    skipWithout(['chromium'], skip)
    const before = (await seen()).gets
    blue.kill()
    await untilSeen('answers, events and echoes of green', (so) => {
      return so.gets > before + 50 && eventsFrom(so, 'green').length > 3 && echoesFrom(so, 'green').length > 3
    })
    const after = await seen()
    expect(after).toMatchObject({ failures: [], eventBreaks: 1, opened: 2, closed: 1 })
    // None was lost, and none came twice.
    const numbers = after.events.map(([number]) => number)
    expect(numbers).toEqual(numbers.map((_, index) => index + 1))
    expect(await order()).toEqual({ status: 200, origin: 'green', body: 'two teas' })
  })
})
