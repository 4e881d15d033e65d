// `switchover`: every chosen scenario against every chosen contender, trial by trial, contenders interleaved.
import { parseArgs } from 'node:util'
import { choose } from '../choose.ts'
import type { Contender } from '../contenders/contender.ts'
import { DEFAULT_SHAPE } from '../load/plan.ts'
import { report } from '../report/report.ts'
import { defaultResultsFile, describeMachine, type SwitchoverResults, saveResults } from '../report/results.ts'
import { scenarios } from '../scenarios/registry.ts'
import type { Scenario } from '../scenarios/scenario.ts'
import { runTrial } from '../trial.ts'
import { numberOption } from './number-option.ts'
import { selectContenders, splitNames } from './select-contenders.ts'
import { UsageError } from './usage-error.ts'

type TrialResult = SwitchoverResults['trials'][number]
type Plan = { scenario: Scenario; contender: Contender; seed: number; rate: number; seconds: number }

const SHORTEST_SECONDS = 4

const readOptions = (args: string[]) => {
  const { values } = parseArgs({
    args,
    options: {
      scenarios: { type: 'string' },
      contenders: { type: 'string' },
      trials: { type: 'string', default: '1' },
      rate: { type: 'string', default: String(DEFAULT_SHAPE.rate) },
      seconds: { type: 'string', default: String(DEFAULT_SHAPE.seconds) },
      out: { type: 'string' },
    },
  })
  const seconds = numberOption('seconds', values.seconds)
  if (seconds < SHORTEST_SECONDS) {
    throw new UsageError(`--seconds needs at least ${SHORTEST_SECONDS}: the fault strikes after 2.5 s`)
  }
  return {
    scenarios: choose('scenario', scenarios, splitNames(values.scenarios, scenarios)),
    selection: selectContenders(values.contenders),
    seeds: Array.from({ length: Math.ceil(numberOption('trials', values.trials)) }, (_, i) => i + 1),
    rate: numberOption('rate', values.rate),
    seconds,
    out: values.out,
  }
}

const attempt = async (plan: Plan, configurations: Record<string, string>): Promise<TrialResult> => {
  const named = { scenario: plan.scenario.name, contender: plan.contender.name, seed: plan.seed }
  try {
    const trial = await runTrial(plan)
    configurations[plan.contender.name] = trial.configuration
    return { ...named, verdict: trial.verdict }
  } catch (error) {
    // One contender that cannot start must not cost the results of the others.
    return { ...named, error: error instanceof Error ? error.message : String(error) }
  }
}

const progressLine = ({ scenario, contender, seed, verdict, error }: TrialResult): string => {
  const told = verdict
    ? `failed ${verdict.failedGet} GET ${verdict.failedPost} POST, gap ${verdict.longestGapMs.toFixed(0)} ms`
    : `could not run: ${error}`
  return `${scenario} / ${contender} / seed ${seed}: ${told}\n`
}

export const switchover = async (args: string[]): Promise<void> => {
  const { selection, seeds, rate, seconds, out, ...chosen } = readOptions(args)
  const date = new Date().toISOString()
  const configurations: Record<string, string> = {}
  const trials: TrialResult[] = []
  for (const scenario of chosen.scenarios) {
    const able = selection.present.filter((contender) => !scenario.needsSwitchoverApi || contender.hasSwitchoverApi)
    for (const seed of seeds) {
      for (const contender of able) {
        const result = await attempt({ scenario, contender, seed, rate, seconds }, configurations)
        process.stderr.write(progressLine(result))
        trials.push(result)
      }
    }
  }
  const results: SwitchoverResults = {
    kind: 'switchover',
    date,
    machine: describeMachine(),
    versions: selection.versions,
    skipped: selection.skipped,
    load: { ...DEFAULT_SHAPE, rate, seconds },
    seeds,
    scenarios: chosen.scenarios.map(({ name, summary }) => ({ name, summary })),
    configurations,
    trials,
  }
  const file = out ?? defaultResultsFile('switchover', date)
  saveResults(file, results)
  process.stdout.write(`\n${report(results, 'text')}\nresults: ${file}\n`)
}
