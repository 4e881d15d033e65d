// Parts of one gauntlet, run apart, as if they had been one. Parts that do not compare are refused. Pure.
import { UsageError } from '../commands/usage-error.ts'
import type { FaultResults, FaultTrial, Machine, Results } from './results.ts'

export const isFaults = (results: Results): results is FaultResults =>
  results.kind === 'switchover' || results.kind === 'gauntlet'

const uniqueBy = <T>(items: readonly T[], keyOf: (item: T) => string): T[] => [
  ...new Map(items.map((item) => [keyOf(item), item])).values(),
]

/** What must be the same in all parts. The commit may differ, and is told. */
const setting = ({ machine: { commit: _, ...machine }, load }: FaultResults): string => JSON.stringify([machine, load])

const expectComparable = (parts: readonly FaultResults[]): void => {
  if (new Set(parts.map(setting)).size > 1) {
    throw new UsageError('these results are of different machines or loads: they do not compare')
  }
  for (const name of new Set(parts.flatMap(({ versions }) => Object.keys(versions)))) {
    const versions = new Set(parts.flatMap(({ versions: some }) => some[name] ?? []))
    if (versions.size > 1)
      throw new UsageError(`these results are of several versions of ${name}: ${[...versions].join(', ')}`)
  }
}

const commits = (parts: readonly FaultResults[]): Machine['commit'] => {
  const known = parts.map(({ machine }) => machine.commit).filter((commit) => commit !== null)
  return known.length === 0 ? null : [...new Set(known)].join(', ')
}

const trialKey = ({ scenario, contender, seed }: FaultTrial): string => `${scenario} ${contender} ${seed}`

const mergeFaults = (parts: readonly [FaultResults, ...FaultResults[]]): FaultResults => {
  expectComparable(parts)
  const [first] = parts
  const trials = uniqueBy(
    parts.flatMap((part) => part.trials),
    trialKey,
  )
  const played = new Set(trials.map(({ scenario }) => scenario))
  const versions = Object.assign({}, ...parts.map((part) => part.versions)) as FaultResults['versions']
  return {
    ...first,
    date:
      parts
        .map(({ date }) => date)
        .sort()
        .at(-1) ?? first.date,
    machine: { ...first.machine, commit: commits(parts) },
    versions,
    skipped: uniqueBy(
      parts.flatMap((part) => part.skipped),
      ({ contender }) => contender,
    ).filter(({ contender }) => versions[contender] === undefined),
    skippedScenarios: uniqueBy(
      parts.flatMap((part) => part.skippedScenarios ?? []),
      ({ scenario }) => scenario,
    ).filter(({ scenario }) => !played.has(scenario)),
    seeds: [...new Set(parts.flatMap(({ seeds }) => seeds))].sort((a, b) => a - b),
    scenarios: uniqueBy(
      parts.flatMap((part) => part.scenarios),
      ({ name }) => name,
    ),
    configurations: Object.assign({}, ...parts.map((part) => part.configurations)),
    trials,
  }
}

/** A trial that was repeated counts as it was in the last of the parts. */
export const mergeResults = (parts: readonly [Results, ...Results[]]): Results => {
  const [first, ...rest] = parts
  if (rest.length === 0) return first
  if (!isFaults(first) || !rest.every((part) => isFaults(part) && part.kind === first.kind)) {
    throw new UsageError('only results of one kind, switchover or gauntlet, are reported together')
  }
  return mergeFaults([first, ...rest.filter(isFaults)])
}
