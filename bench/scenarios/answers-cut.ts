import type { Scenario } from './scenario.ts'

export const answersCut: Scenario = {
  name: 'answers-cut',
  summary: 'every answer of the primary stops half way through its body',
  goal: { failedGet: 0, failedPost: 4, gapMs: 30 },
  fault: ({ primary }) => primary.misbehave('answers-cut'),
}
