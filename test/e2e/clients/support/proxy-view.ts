// What a running proxy tells of itself: pools, counters, and the lines of its access log.
import { until } from '../../../../bench/clock.ts'
import { httpRequest } from '../../../../bench/contenders/contender.ts'
import type { PoolView } from '../../../../src/admin/views.ts'
import { poolAt, type UnderstudyProcess } from '../../support/understudy-process.ts'

export class ProxyView {
  readonly process: UnderstudyProcess
  readonly #adminPort: number

  constructor(process: UnderstudyProcess, adminPort: number) {
    this.process = process
    this.#adminPort = adminPort
  }

  async untilPool(what: string, check: (view: PoolView) => boolean, pool = 'shop'): Promise<void> {
    const looked = async (): Promise<boolean> => check(await poolAt(this.#adminPort, pool))
    await until(what, looked, 10_000)
  }

  untilActive(upstream: string, pool = 'shop'): Promise<void> {
    return this.untilPool(
      `${upstream} to be active`,
      ({ active, phase }) => active === upstream && phase === 'serving',
      pool,
    )
  }

  async command(name: 'switchover' | 'failback', pool = 'shop'): Promise<void> {
    const { status, text } = await httpRequest(this.#adminPort, 'POST', `/pools/${pool}/${name}`, {})
    if (status >= 300) throw new Error(`${name}: ${status} ${text}`)
  }

  /** The sum over all series of a metric whose labels include these. */
  async count(metric: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const { text } = await httpRequest(this.#adminPort, 'GET', '/metrics')
    const wanted = Object.entries(labels).map(([name, value]) => `${name}="${value}"`)
    const lines = text.split('\n').filter((line) => line.startsWith(`understudy_${metric}{`))
    const matching = lines.filter((line) => wanted.every((label) => line.includes(label)))
    return matching.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }

  /** Answers that came from an upstream so far. */
  answersOf(upstream: string): Promise<number> {
    return this.count('requests_total', { upstream })
  }
}
