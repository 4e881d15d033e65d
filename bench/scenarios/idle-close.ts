import { UNMOVED } from './goal.ts'
import type { Scenario } from './scenario.ts'

export const idleClose: Scenario = {
  name: 'idle-close',
  summary: 'the primary closes idle connections after 30 ms: nobody should switch',
  goal: UNMOVED,
  fault: ({ primary }) => primary.misbehave('idle-close'),
}
