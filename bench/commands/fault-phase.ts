// When the fault of a trial strikes. Against the probes of a contender the moment must be a different one in each trial, or one
// lucky phase would be measured five times: it moves within one interval of the slowest probes among those that are tuned.
import { crc32 } from 'node:zlib'
import { seededRandom } from '../load/random.ts'

/** Detection needs time to learn what is normal. */
export const EARLIEST_FAULT_MS = 2_500
export const LATEST_FAULT_MS = 3_000

/** The same for every contender, so that they all meet the same. */
export const phaseOf = (scenario: string, seed: number): number => {
  const random = seededRandom(crc32(`${scenario} ${seed}`))
  return EARLIEST_FAULT_MS + random() * (LATEST_FAULT_MS - EARLIEST_FAULT_MS)
}
