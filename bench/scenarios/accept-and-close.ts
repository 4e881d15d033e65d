import type { Scenario } from './scenario.ts'

export const acceptAndClose: Scenario = {
  name: 'accept-and-close',
  summary: 'the primary accepts every connection and closes it',
  goal: { failedGet: 0, failedPost: 3, gapMs: 30 },
  fault: ({ primary }) => primary.misbehave('accept-and-close'),
}
