import type { Scenario } from './scenario.ts'

export const answersCut: Scenario = {
  name: 'answers-cut',
  summary: 'every answer of the primary stops half way through its body',
  fault: ({ primary }) => primary.misbehave('answers-cut'),
}
