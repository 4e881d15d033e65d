import type { Scenario } from './scenario.ts'

export const refusalToAll: Scenario = {
  name: '503-to-all',
  summary: 'the primary answers 503 to everything, health path included',
  goal: { failedGet: 0, failedPost: 3, gapMs: 30 },
  fault: ({ primary }) => primary.misbehave('refuse-everything'),
}
