// One trial: a pair of origins, a proxy before them, a steady load, one fault, one verdict. Everything is started fresh and
// ended again, whatever happens. This is also what test/e2e calls.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { choose } from './choose.ts'
import { now, sleep } from './clock.ts'
import type { Contender } from './contenders/contender.ts'
import type { Front } from './contenders/front.ts'
import { contenders } from './contenders/registry.ts'
import { startLoad } from './load/load-process.ts'
import { DEFAULT_SHAPE, type LoadShape } from './load/plan.ts'
import type { Row } from './load/row.ts'
import { judge, type Verdict } from './load/verdict.ts'
import type { Execution } from './origin/execution-log.ts'
import { makeTemporaryFolder, type TemporaryFolder } from './process/temporary-folder.ts'
import { scenarios } from './scenarios/registry.ts'
import type { Scenario } from './scenarios/scenario.ts'
import { collectResources, type Resources, type StageOptions, startStage } from './stage.ts'

export type TrialOptions = Partial<LoadShape> & {
  /** A registered name, or one of your own. */
  readonly contender: string | Contender
  readonly scenario: string | Scenario
  /** Default 2,500. Needs to leave time for detection before the load ends. */
  readonly faultAfterMs?: number
  /** How clients come: HTTP/1.1 without TLS, or `tls`, which they use for HTTP/2. Default the former. */
  readonly front?: Exclude<Front, { protocol: 'tcp' }>
  /** Keep configuration, logs and rows in a folder of their own in here, instead of in a temporary one that is removed. */
  readonly keepIn?: string
}

export type Trial = {
  readonly contender: string
  readonly scenario: string
  readonly shape: LoadShape
  readonly verdict: Verdict
  readonly rows: readonly Row[]
  readonly executions: readonly Execution[]
  /** Monotonic moments, comparable with those in rows and executions. */
  readonly startedAt: number
  readonly faultAt: number
  readonly recoveryAt: number | null
  /** When it was done: a command has been answered. */
  readonly faultDoneAt: number
  readonly recoveryDoneAt: number | null
  readonly configuration: string
  /** The end of what the proxy wrote to its log. */
  readonly proxyLog: string
}

const FAULT_AFTER_MS = 2_500
/** More than the longest that an origin thinks about a request, but for the honest slow ones, which are no POSTs. */
const AFTERMATH_MS = 500
/** When a scenario's recovery happens, as a share of the time between the fault and the end of the load. */
export const RECOVERY_SHARE = 0.5

const asTheScenarioSees = (row: Row, { tolerates, slows }: Scenario): Row => {
  const tolerated = row.error !== null && tolerates?.(row) === true
  const seen: Row = slows?.(row) ? { ...row, slow: true } : row
  return tolerated ? { ...seen, error: null, tolerated } : seen
}

const perform = async (resources: Resources, setup: Setup): Promise<Trial> => {
  const { contender, scenario, shape, faultAfterMs, front, workDir } = setup
  const stage = await startStage(resources, setup)
  const http2Ca = front?.protocol === 'tls' ? front.certificate.certFile : undefined
  const load = resources.add(
    await startLoad({ ...shape, port: stage.port, workDir, http2Ca, timeoutMs: scenario.timeoutMs }),
  )
  await sleep(load.startedAt + faultAfterMs - now())
  const faultAt = await scenario.fault(stage)
  const faultDoneAt = now()
  let recoveryAt: number | null = null
  let recoveryDoneAt: number | null = null
  if (scenario.recovery) {
    const { recoverAfterMs = (shape.seconds * 1000 - faultAfterMs) * RECOVERY_SHARE } = scenario
    await sleep(load.startedAt + faultAfterMs + recoverAfterMs - now())
    recoveryAt = await scenario.recovery(stage)
    recoveryDoneAt = now()
  }
  const seen = await load.finished
  const rows = seen.map((row) => asTheScenarioSees(row, scenario))
  // A contender that can no longer be asked has its moves told by its clients.
  const switches = (await stage.contender.switches?.().catch(() => null)) ?? null
  await scenario.aftermath?.(stage)
  if (scenario.aftermath) await sleep(AFTERMATH_MS)
  const executions = [...stage.primary.executions(), ...stage.standby.executions()].filter(({ id }) => id !== 'warm-up')
  return {
    contender: contender.name,
    scenario: scenario.name,
    shape,
    verdict: judge({ rows, executions, faultAt, recoveryAt, switches, standby: stage.standby.name }),
    rows,
    executions,
    startedAt: load.startedAt,
    faultAt,
    recoveryAt,
    faultDoneAt,
    recoveryDoneAt,
    configuration: stage.contender.configuration,
    proxyLog: stage.contender.log(),
  }
}

type Setup = StageOptions & { readonly shape: LoadShape; readonly faultAfterMs: number }

const pick = <T extends { readonly name: string }>(kind: string, all: readonly T[], wanted: string | T): T =>
  typeof wanted === 'string' ? (choose(kind, all, [wanted])[0] as T) : wanted

const shapeOf = (scenario: Scenario, { contender: _, scenario: __, ...chosen }: TrialOptions): LoadShape => ({
  ...DEFAULT_SHAPE,
  ...scenario.load,
  ...chosen,
})

// Emptied first: an execution log left by an earlier trial would look like duplicates.
const keptFolder = (parent: string, name: string): TemporaryFolder => {
  const path = join(parent, name)
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true })
  return { path, remove: () => {} }
}

/** Runs one trial from start to end. Leaves no process behind, whatever happens. */
export const runTrial = async (options: TrialOptions): Promise<Trial> => {
  const { faultAfterMs = FAULT_AFTER_MS, keepIn, front, ...rest } = options
  const contender = pick('contender', contenders, rest.contender)
  const scenario = pick('scenario', scenarios, rest.scenario)
  const shape = shapeOf(scenario, rest)
  const folder =
    keepIn === undefined
      ? makeTemporaryFolder()
      : keptFolder(keepIn, `${contender.name}-${scenario.name}-${shape.seed}`)
  const resources = collectResources()
  try {
    return await perform(resources, { contender, scenario, shape, faultAfterMs, front, workDir: folder.path })
  } finally {
    await resources.stopAll()
    folder.remove()
  }
}
