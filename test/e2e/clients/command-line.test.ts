// curl, nghttp and h2load through the proxy as people run it, with the primary killed in the middle.
import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../../../bench/clock.ts'
import type { OriginProcess } from '../../../bench/origin/origin-process.ts'
import { freePorts } from '../../../bench/process/free-port.ts'
import { Credentials } from './support/credentials.ts'
import type { ProxyView } from './support/proxy-view.ts'
import { Stage } from './support/stage.ts'
import { runTool, skipWithout, type ToolRun } from './support/tool.ts'

type Pair = {
  readonly stage: Stage
  readonly blue: OriginProcess
  readonly proxy: ProxyView
  readonly ca: string
  readonly secure: string
  readonly plain: string
}

async function startPair(): Promise<Pair> {
  const stage = new Stage()
  const credentials = new Credentials(stage)
  const [secure, plain] = await freePorts(2)
  const [blue, green] = [await stage.shop('blue'), await stage.shop('green')]
  const url = ({ port }: OriginProcess): string => `http://127.0.0.1:${port}`
  const tls = credentials.issue('web', { names: ['localhost'] })
  const proxy = await stage.proxy({
    listeners: {
      secure: { listen: `127.0.0.1:${secure}`, pool: 'shop', tls },
      plain: { listen: `127.0.0.1:${plain}`, pool: 'shop', http2: 'cleartext' },
    },
    pools: {
      shop: {
        probe: { path: '/healthz' },
        upstreams: [
          { name: 'blue', url: url(blue) },
          { name: 'green', url: url(green) },
        ],
      },
    },
  })
  const at = (port: number | undefined, scheme: string): string => `${scheme}://localhost:${port}`
  return { stage, blue, proxy, ca: credentials.ca, secure: at(secure, 'https'), plain: at(plain, 'http') }
}

let pair: Pair

const SAYS = ['-w', ' HTTP/%{http_version} %{http_code}']
/** What the shop wants of requests that it executes. */
const EXECUTED = ['-H', 'X-Bench-Id: curl', '-H', 'X-Bench-Checksum: 00000000']

const curl = (...args: string[]): Promise<ToolRun> => runTool('curl', ['-sS', '--max-time', '30', ...args])

describe('without a fault', () => {
  beforeAll(async () => {
    pair = await startPair()
  })
  afterAll(() => pair.stage.stop())

  test.for([
    ['HTTP/1.1 over TLS', () => ['--http1.1', '--cacert', pair.ca, pair.secure], '1.1'],
    ['HTTP/2 over TLS', () => ['--http2', '--cacert', pair.ca, pair.secure], '2'],
    ['HTTP/1.1', () => ['--http1.1', pair.plain], '1.1'],
    ['HTTP/2 with prior knowledge', () => ['--http2-prior-knowledge', pair.plain], '2'],
  ] as const)('curl speaks %s', async ([, args, version], { skip }) => {
    skipWithout(['curl'], skip)
    const whole = { code: 0, stdout: `blue is well\n HTTP/${version} 200`, stderr: '' }
    expect(await curl(...SAYS, ...args())).toEqual(whole)
    expect(await curl(...SAYS, '-d', 'a pot of tea', ...args())).toEqual(whole)
  })

  test('curl does not trust the listener without the CA: it shows the certificate that was configured', async ({
    skip,
  }) => {
    skipWithout(['curl'], skip)
    const { code, stderr } = await curl(pair.secure)
    expect([code, stderr]).toEqual([60, expect.stringContaining('unable to get local issuer certificate')])
  })

  test('nghttp gets the answer over TLS, and no frame that it should not', async ({ skip }) => {
    skipWithout(['nghttp'], skip)
    const { stdout } = await runTool('nghttp', ['-v', '--no-dep', `${pair.secure}/tea`])
    expect(stdout).toMatch(/negotiated protocol: h2/i)
    expect(stdout).toMatch(/:status: 200/)
    expect(stdout).toContain('blue is well')
    expect(stdout).not.toMatch(/RST_STREAM|recv GOAWAY/)
  })
})

describe('the primary is killed in the middle', () => {
  beforeEach(async () => {
    pair = await startPair()
  })
  afterEach(() => pair.stage.stop())

  /** When so many answers have come, of far more. */
  async function killsAfter(answers: number, loads: readonly Promise<ToolRun>[]): Promise<ToolRun[]> {
    const { proxy, blue } = pair
    await until(`${answers} answers of blue`, async () => (await proxy.answersOf('blue')) >= answers, 20_000)
    blue.signal('SIGKILL')
    return Promise.all(loads)
  }

  /** Else the kill came after the load, or before it. */
  async function expectBothServed(all: number): Promise<void> {
    const [blue, green] = [await pair.proxy.answersOf('blue'), await pair.proxy.answersOf('green')]
    expect(blue).toBeLessThan(all)
    expect(green).toBeGreaterThan(0)
    expect(blue + green).toBeGreaterThanOrEqual(all)
  }

  // Not with prior knowledge: the curl of Debian 12 (7.88.1) cannot use such a connection twice.
  test('3,000 GETs of curl over TLS, by HTTP/1.1 and HTTP/2: none fails', async ({ skip }) => {
    skipWithout(['curl'], skip)
    const { stage, ca, secure } = pair
    const load = (protocol: string): Promise<ToolRun> => {
      const parallel = ['-Z', '--parallel-max', '10', '--no-progress-meter', '--cacert', ca, ...EXECUTED]
      const says = ['-w', '%{http_version} %{http_code}\\n', '-o', stage.path(`answer${protocol}`)]
      return curl(...parallel, protocol, ...says, `${secure}/items/[1-1500]`)
    }
    const [first, second] = await killsAfter(500, [load('--http1.1'), load('--http2')])
    const lines = (says: string): string => `${says}\n`.repeat(1_500)
    expect(first).toEqual({ code: 0, stdout: lines('1.1 200'), stderr: '' })
    expect(second).toEqual({ code: 0, stdout: lines('2 200'), stderr: '' })
    expect(readFileSync(stage.path('answer--http2'), 'utf8')).toContain('"id":"curl"')
    await expectBothServed(3_000)
  })

  test('10,000 GETs of h2load on 8 connections of 10 streams, over TLS and with prior knowledge: none fails', async ({
    skip,
  }) => {
    skipWithout(['h2load'], skip)
    const load = (...args: string[]): Promise<ToolRun> =>
      runTool('h2load', ['-n', '5000', '-c8', '-m10', ...EXECUTED, ...args])
    const { secure, plain } = pair
    const loads = [load(`${secure}/items/1`), load('-p', 'h2c', `${plain}/items/1`)]
    const reports = await killsAfter(1_500, loads)
    for (const [index, protocol] of ['h2', 'h2c'].entries()) {
      const stdout = reports[index]?.stdout
      expect(stdout).toContain(`Application protocol: ${protocol}\n`)
      expect(stdout).toMatch(/5000 done, 5000 succeeded, 0 failed, 0 errored, 0 timeout/)
      expect(stdout).toMatch(/status codes: 5000 2xx, 0 3xx, 0 4xx, 0 5xx/)
    }
    await expectBothServed(10_000)
  })
})
