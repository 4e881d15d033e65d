import type { Scenario } from './scenario.ts'

export const refusalToAll: Scenario = {
  name: '503-to-all',
  summary: 'the primary answers 503 to everything, health path included',
  fault: ({ primary }) => primary.misbehave('refuse-everything'),
}
