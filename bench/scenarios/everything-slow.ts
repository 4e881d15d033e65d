import type { Scenario } from './scenario.ts'

export const everythingSlow: Scenario = {
  name: 'everything-slow',
  summary: 'every answer of the primary takes 3 s, the health path stays fast',
  goal: { failedGet: 0, failedPost: 0, gapMs: 500, switchedAfterMs: 2_500 },
  fault: ({ primary }) => primary.misbehave('everything-slow'),
}
