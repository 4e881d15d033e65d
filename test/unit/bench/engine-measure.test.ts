// One contender that fails must neither cost the others their figures nor get any itself.
import { afterEach, expect, it } from 'vitest'
import type { Contender } from '../../../bench/contenders/contender.ts'
import type { EngineBench, Run, Workload } from '../../../bench/engine/engine-bench.ts'
import { type Measured, measureEngine } from '../../../bench/engine/measure.ts'
import { Interrupted } from '../../../bench/process/interrupted.ts'
import { makeTemporaryFolder, type TemporaryFolder } from '../../../bench/process/temporary-folder.ts'

let folder: TemporaryFolder | undefined
afterEach(() => folder?.remove())

const stopped: string[] = []
const ports = new Map<string, number>()

/** Runs in this process, whose CPU time stands for its own. */
const contender = (name: string, start: () => void = () => {}): Contender => ({
  name,
  hasSwitchoverApi: false,
  fronts: ['tcp'],
  available: () => '1',
  start: async ({ listenPort }) => {
    start()
    ports.set(name, listenPort)
    const stop = async () => void stopped.push(name)
    return { pid: process.pid, configuration: `${name}.conf`, log: () => '', stop }
  },
})

const RUN: Run = { amount: 5, seconds: 1, p50Ms: null, p99Ms: null, errors: 0 }

const workload = (name: string, run: (port: number) => Run = () => RUN): Workload => ({
  name,
  summary: name,
  unit: 'request',
  run: async (port) => run(port),
})

const nameOf = (port: number): string => [...ports].find(([, each]) => each === port)?.[0] ?? 'direct'

const measure = (
  contenders: readonly Contender[],
  workloads: readonly Workload[],
  check: (port: number) => void = () => {},
): Promise<Measured> => {
  stopped.length = 0
  folder = makeTemporaryFolder()
  const bench: EngineBench = {
    kind: 'tcp',
    summary: 'a load',
    goals: [],
    protocol: 'tcp',
    tools: [],
    defaultSeconds: 1,
    warmUpSeconds: 1,
    direct: true,
    start: async () => ({
      front: { protocol: 'tcp' },
      origin: { primaryPort: 1, standbyPort: 2 },
      workloads,
      check: async (port) => check(port),
      stop: async () => void stopped.push('origin'),
    }),
  }
  return measureEngine({ bench, contenders, seconds: 1, rounds: 2, workDir: folder.path, tell: () => {} })
}

const measuredNames = (measured: Measured, index = 0): string[] =>
  measured.workloads[index]?.results.map(({ contender: name }) => name) ?? []

it('measures everybody who starts, the origin without a proxy first, and ends them all', async () => {
  const measured = await measure([contender('a'), contender('b')], [workload('load')])
  expect(measuredNames(measured)).toEqual(['direct', 'a', 'b'])
  expect(measured.workloads[0]?.results.map(({ rounds }) => rounds.length)).toEqual([2, 2, 2])
  expect(measured.workloads[0]?.results[0]?.rounds[0]?.cpuSeconds).toBeNull()
  expect(measured.configurations).toEqual({ a: 'a.conf', b: 'b.conf' })
  expect(stopped.sort()).toEqual(['a', 'b', 'origin'])
})

it('goes on without one that does not start, and says why', async () => {
  const broken = contender('broken', () => {
    throw new Error('unknown key tls')
  })
  const measured = await measure([broken, contender('b')], [workload('load')])
  expect(measuredNames(measured)).toEqual(['direct', 'b'])
  expect(measured.failures).toEqual([{ contender: 'broken', why: 'did not start: unknown key tls' }])
})

it('never times one that answers wrongly, and ends it', async () => {
  const timed: string[] = []
  const load = workload('load', (port) => {
    timed.push(nameOf(port))
    return RUN
  })
  const measured = await measure([contender('liar'), contender('b')], [load], (port) => {
    if (nameOf(port) === 'liar') throw new Error('another body')
  })
  expect(timed).not.toContain('liar')
  expect(stopped).toContain('liar')
  expect(measured.failures).toEqual([{ contender: 'liar', why: 'wrong answer before timing: another body' }])
})

it('gives no figures for a load that one could not carry in every round, but for its others', async () => {
  let runs = 0
  const hard = workload('hard', (port) => {
    if (nameOf(port) !== 'a') return RUN
    runs += 1
    // The warm-up and the first round are well.
    if (runs > 2) throw new Error('no answer')
    return RUN
  })
  const measured = await measure([contender('a'), contender('b')], [hard, workload('easy')])
  expect(measuredNames(measured, 0)).toEqual(['direct', 'b'])
  expect(measured.workloads[0]?.failures).toEqual([{ contender: 'a', why: 'hard: no answer' }])
  expect(measuredNames(measured, 1)).toEqual(['direct', 'a', 'b'])
})

it('takes a run in which nothing got through for a failure, not for a rate of zero', async () => {
  const nothing = workload('load', (port) => (nameOf(port) === 'a' ? { ...RUN, amount: 0, errors: 9 } : RUN))
  const measured = await measure([contender('a')], [nothing])
  expect(measuredNames(measured)).toEqual(['direct'])
  expect(measured.workloads[0]?.failures[0]?.why).toContain('nothing got through, 9 errors')
})

it('gives up as a whole, and still ends everybody, when the load itself is ended', async () => {
  const interrupted = workload('load', () => {
    throw new Interrupted('wrk')
  })
  await expect(measure([contender('a')], [interrupted])).rejects.toThrow('wrk was ended from outside')
  expect(stopped.sort()).toEqual(['a', 'origin'])
})
