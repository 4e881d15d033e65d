// `switchover` and `gauntlet`: every chosen scenario against every chosen contender, trial by trial, contenders interleaved.
// The results file is written after each trial, so that a run which is ended early has lost nothing; parts of a gauntlet may
// be run apart and reported together.
import { parseArgs } from 'node:util'
import { choose } from '../choose.ts'
import type { Contender } from '../contenders/contender.ts'
import { DEFAULT_SHAPE } from '../load/plan.ts'
import { report } from '../report/report.ts'
import { defaultResultsFile, describeMachine, type FaultResults, saveResults } from '../report/results.ts'
import { quickScenarios, scenarios } from '../scenarios/registry.ts'
import type { Scenario } from '../scenarios/scenario.ts'
import { runTrial } from '../trial.ts'
import { EARLIEST_FAULT_MS, LATEST_FAULT_MS, phaseOf } from './fault-phase.ts'
import { numberOption } from './number-option.ts'
import { missingFor } from './scenario-needs.ts'
import { isVariant, selectContenders, splitNames } from './select-contenders.ts'
import { trialSeeds } from './trial-seeds.ts'
import { UsageError } from './usage-error.ts'

type Form = {
  readonly kind: FaultResults['kind']
  readonly scenarios: readonly Scenario[]
  readonly takesPart: (contender: Contender) => boolean
  readonly trials: number
  /** Of the load. Scenarios that need longer say so. */
  readonly seconds: number
}

export const quickForm: Form = {
  kind: 'switchover',
  scenarios: quickScenarios,
  takesPart: (contender) => !contender.engineOnly && !isVariant(contender),
  trials: 1,
  seconds: 6,
}

export const fullForm: Form = {
  kind: 'gauntlet',
  scenarios,
  // It has no failover to measure.
  takesPart: ({ name, engineOnly }) => !engineOnly && name !== 'http-proxy',
  trials: 5,
  // About 1,500 requests after the fault.
  seconds: 8,
}

type TrialResult = FaultResults['trials'][number]
type Plan = { scenario: Scenario; contender: Contender; seed: number; rate?: number; seconds: number }

const SHORTEST_SECONDS = 4

const readOptions = (args: string[], form: Form) => {
  const { values } = parseArgs({
    args,
    options: {
      scenarios: { type: 'string' },
      contenders: { type: 'string' },
      trials: { type: 'string', default: String(form.trials) },
      rate: { type: 'string' },
      seconds: { type: 'string' },
      out: { type: 'string' },
    },
  })
  const seconds = values.seconds === undefined ? undefined : numberOption('seconds', values.seconds)
  if (seconds !== undefined && seconds < SHORTEST_SECONDS) {
    const latest = `${EARLIEST_FAULT_MS / 1000} to ${LATEST_FAULT_MS / 1000} s`
    throw new UsageError(`--seconds needs at least ${SHORTEST_SECONDS}: the fault strikes after ${latest}`)
  }
  return {
    chosen: choose('scenario', scenarios, splitNames(values.scenarios, form.scenarios)),
    selection: selectContenders(values.contenders, { takesPart: form.takesPart }),
    seeds: trialSeeds(values.trials),
    ...(values.rate === undefined ? {} : { rate: numberOption('rate', values.rate) }),
    seconds,
    out: values.out,
  }
}

type Options = ReturnType<typeof readOptions>

const secondsOf = ({ secondsAfterFault }: Scenario, form: Form, asked: number | undefined): number =>
  asked ?? (secondsAfterFault === undefined ? form.seconds : LATEST_FAULT_MS / 1000 + secondsAfterFault)

const plansOf = ({ chosen, selection, seeds, rate, seconds }: Options, form: Form): Plan[] =>
  chosen.flatMap((scenario) => {
    const able = selection.present.filter((contender) => !scenario.needsSwitchoverApi || contender.hasSwitchoverApi)
    const shape = { ...(rate === undefined ? {} : { rate }), seconds: secondsOf(scenario, form, seconds) }
    return seeds.flatMap((seed) => able.map((contender) => ({ scenario, contender, seed, ...shape })))
  })

/** Where scenarios change it, a configuration is published for each of them. */
const configurationName = ({ contender, scenario: { name, settings, needsNetwork } }: Plan): string =>
  settings || needsNetwork ? `${contender.name} in ${name}` : contender.name

const attempt = async (plan: Plan, configurations: Record<string, string>): Promise<TrialResult> => {
  const named = { scenario: plan.scenario.name, contender: plan.contender.name, seed: plan.seed }
  try {
    const trial = await runTrial({ ...plan, faultAfterMs: phaseOf(plan.scenario.name, plan.seed) })
    configurations[configurationName(plan)] = trial.configuration
    return { ...named, verdict: trial.verdict }
  } catch (error) {
    // One contender that cannot start must not cost the results of the others.
    return { ...named, error: error instanceof Error ? error.message : String(error) }
  }
}

const progressLine = ({ scenario, contender, seed, verdict, error }: TrialResult): string => {
  const told = verdict
    ? `failed ${verdict.failedGet} GET ${verdict.failedPost} POST, gap ${verdict.longestGapMs.toFixed(0)} ms, ${verdict.switches} switch(es)`
    : `could not run: ${error}`
  return `${scenario} / ${contender} / seed ${seed}: ${told}\n`
}

const emptyResults = ({ chosen, selection, seeds, rate }: Options, form: Form, seconds: number): FaultResults => ({
  kind: form.kind,
  date: new Date().toISOString(),
  machine: describeMachine(),
  versions: selection.versions,
  skipped: selection.skipped,
  load: { ...DEFAULT_SHAPE, ...(rate === undefined ? {} : { rate }), seconds },
  seeds,
  scenarios: chosen.map((scenario) => {
    const { name, summary, goal, load = {}, settings = {} } = scenario
    return { name, summary, goal, settings, load: { ...load, seconds: secondsOf(scenario, form, seconds) } }
  }),
  configurations: {},
  trials: [],
})

export const faultCommand =
  (form: Form) =>
  async (args: string[]): Promise<void> => {
    const asked = readOptions(args, form)
    const missing = missingFor(asked.chosen)
    for (const { scenario, why } of missing) process.stderr.write(`${scenario} skipped: ${why}\n`)
    const options = { ...asked, chosen: asked.chosen.filter(({ name }) => !missing.some((m) => m.scenario === name)) }
    const configurations: Record<string, string> = {}
    const trials: TrialResult[] = []
    const empty = emptyResults(options, form, asked.seconds ?? form.seconds)
    const results: FaultResults = { ...empty, skippedScenarios: missing, configurations, trials }
    const file = options.out ?? defaultResultsFile(form.kind, results.date)
    for (const plan of plansOf(options, form)) {
      const result = await attempt(plan, configurations)
      process.stderr.write(progressLine(result))
      trials.push(result)
      saveResults(file, results)
    }
    process.stdout.write(`\n${report(results, 'text')}\nresults: ${file}\n`)
  }
