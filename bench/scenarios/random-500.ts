import { now } from '../clock.ts'
import { isUnlucky } from '../origin/misbehaviour/random-500.ts'
import { UNMOVED } from './goal.ts'
import type { Scenario } from './scenario.ts'

export const random500: Scenario = {
  name: 'random-500',
  summary: '1 % of all executions fail with 500, on both origins: nobody should switch',
  goal: UNMOVED,
  fault: async ({ primary, standby }) => {
    await Promise.all([primary.misbehave('random-500'), standby.misbehave('random-500')])
    return now()
  },
  tolerates: (row) => row.status === 500 && ['primary', 'standby'].some((origin) => isUnlucky(origin, row.id)),
}
