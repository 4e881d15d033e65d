import { now } from '../clock.ts'
import type { Row } from '../load/row.ts'
import { SLOW_PATH } from '../origin/misbehaviour/one-path-slow.ts'
import { UNMOVED } from './goal.ts'
import type { Scenario } from './scenario.ts'

const isSlow = (row: Row): boolean => row.path.startsWith(SLOW_PATH)

export const onePathSlow: Scenario = {
  name: 'one-path-slow',
  summary: 'one path takes 10 s, on both origins: nobody should switch',
  goal: UNMOVED,
  // Longer than the path takes: a proxy that waits for it has not failed. The peers give up after 5 s, as they are told to.
  timeoutMs: 12_000,
  fault: async ({ primary, standby }) => {
    await Promise.all([primary.misbehave('one-path-slow'), standby.misbehave('one-path-slow')])
    return now()
  },
  tolerates: isSlow,
  slows: isSlow,
}
