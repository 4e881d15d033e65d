import type { Scenario } from './scenario.ts'

export const errorToAll: Scenario = {
  name: '500-to-all',
  summary: 'the primary answers 500 to everything but the health path',
  goal: { failedGet: 0, failedPost: 6, gapMs: 30 },
  fault: ({ primary }) => primary.misbehave('fail-everything-but-health'),
}
