// What a run consists of: scenarios, trials, the phase of the fault, and the network where packets are lost.
import { connect, createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { EARLIEST_FAULT_MS, LATEST_FAULT_MS, phaseOf } from '../../../bench/commands/fault-phase.ts'
import { selectContenders } from '../../../bench/commands/select-contenders.ts'
import { trialSeeds } from '../../../bench/commands/trial-seeds.ts'
import { contenders } from '../../../bench/contenders/registry.ts'
import { lossyNetworkMissing, makeLossyNetwork } from '../../../bench/network/lossy-network.ts'
import { goalText } from '../../../bench/report/goals.ts'
import { scenarios } from '../../../bench/scenarios/registry.ts'

describe('scenarios and contenders', () => {
  it('have names of their own', () => {
    for (const all of [scenarios, contenders]) expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
  })

  it('have goals that say something', () => {
    for (const { name, goal } of scenarios) expect(goalText(goal), name).not.toBe('')
  })

  it('are one configuration of each where nobody asks for more', () => {
    const { present, skipped } = selectContenders(undefined)
    const names = [...present.map(({ name }) => name), ...skipped.map(({ contender }) => contender)]
    expect(names.sort()).toEqual(
      ['caddy', 'fastify-http-proxy', 'haproxy', 'http-proxy', 'nginx', 'undici', 'understudy'].sort(),
    )
  })

  it('may be named, whatever usually takes part', () => {
    const { present, skipped } = selectContenders('nginx-defaults')
    expect(present.length + skipped.length).toBe(1)
  })
})

describe('the phase of the fault', () => {
  it('differs from trial to trial and from scenario to scenario, and is the same again', () => {
    const phases = [phaseOf('killed', 1), phaseOf('killed', 2), phaseOf('stopped', 1)]
    expect(new Set(phases).size).toBe(3)
    expect(phaseOf('killed', 1)).toBe(phases[0])
  })

  it('covers the interval of the probes', () => {
    const phases = trialSeeds('200').map((seed) => phaseOf('killed', seed))
    expect(Math.min(...phases)).toBeGreaterThanOrEqual(EARLIEST_FAULT_MS)
    expect(Math.max(...phases)).toBeLessThan(LATEST_FAULT_MS)
    expect(Math.max(...phases) - Math.min(...phases)).toBeGreaterThan(450)
  })
})

describe('trials', () => {
  it('are a number or a range', () => {
    expect(trialSeeds('3')).toEqual([1, 2, 3])
    expect(trialSeeds('4-6')).toEqual([4, 5, 6])
  })

  it('are nothing else', () => {
    for (const value of ['0', '-2', '6-4', '0-3', 'all', '']) expect(() => trialSeeds(value), value).toThrow('--trials')
  })
})

const missing = lossyNetworkMissing()

describe.skipIf(missing !== null)('the network of the bench', () => {
  /** Whether a connection comes to its end, be it that nobody listens there. Silence is what a lost packet leaves. */
  const answers = (host: string, port: number, patienceMs: number): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect({ host, port })
      const settle = (answered: boolean) => {
        clearTimeout(patience)
        socket.destroy()
        resolve(answered)
      }
      const patience = setTimeout(() => settle(false), patienceMs)
      socket.once('connect', () => settle(true))
      socket.once('error', () => settle(true))
    })

  it('answers until its packets are lost, and again when they no longer are', async () => {
    const network = makeLossyNetwork()
    onTestFinished(network.stop)
    // Nobody listens inside: that a connection is refused takes a packet in both directions.
    expect(await answers(network.host, 9, 5_000)).toBe(true)
    network.lose(1)
    expect(await answers(network.host, 9, 300)).toBe(false)
    network.lose(0)
    expect(await answers(network.host, 9, 5_000)).toBe(true)
  })

  it('leaves this machine’s own addresses alone', async () => {
    const network = makeLossyNetwork()
    onTestFinished(network.stop)
    const server = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    network.lose(1)
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    expect(await answers('127.0.0.1', port, 5_000)).toBe(true)
  })
})
