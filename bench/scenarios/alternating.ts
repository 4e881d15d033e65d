import type { Scenario } from './scenario.ts'

export const alternating: Scenario = {
  name: 'alternating',
  summary: 'the primary answers 503 to everything for 0.5 s, is well for 0.5 s, and so on for a minute',
  goal: { failedGet: 0, failedPost: 4, gapMs: 30, switches: { least: 0, most: 3 } },
  secondsAfterFault: 60,
  fault: ({ primary }) => primary.misbehave('alternating'),
}
