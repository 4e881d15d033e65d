import type { Scenario } from './scenario.ts'

export const everythingSlow: Scenario = {
  name: 'everything-slow',
  summary: 'every answer of the primary takes 3 s, the health path stays fast',
  fault: ({ primary }) => primary.misbehave('everything-slow'),
}
