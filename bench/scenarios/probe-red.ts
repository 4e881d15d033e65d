import { UNMOVED } from './goal.ts'
import type { Scenario } from './scenario.ts'

export const probeRed: Scenario = {
  name: 'probe-red',
  summary: 'the health path of the primary answers 503 while its traffic is fine: nobody should switch',
  goal: UNMOVED,
  fault: ({ primary }) => primary.misbehave('probe-red'),
}
