// `--trials 5` is the seeds 1 to 5; `--trials 4-6` only those, to continue where an earlier run has ended.
import { UsageError } from './usage-error.ts'

export const trialSeeds = (value: string): number[] => {
  const match = /^(?:(\d+)-)?(\d+)$/.exec(value)
  const [first, last] = [Number(match?.[1] ?? 1), Number(match?.[2])]
  if (!match || first < 1 || last < first)
    throw new UsageError(`--trials needs a number or a range like 4-6, not "${value}"`)
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}
