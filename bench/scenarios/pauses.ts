import { UNMOVED } from './goal.ts'
import type { Scenario } from './scenario.ts'

export const pauses: Scenario = {
  name: 'pauses',
  summary: 'the primary pauses for 100 to 350 ms each second: nobody should switch',
  goal: UNMOVED,
  fault: ({ primary }) => primary.misbehave('pauses'),
}
