// What an orchestrator does at every deployment.
import type { Scenario } from './scenario.ts'

export const gracefulStop: Scenario = {
  name: 'graceful-stop',
  summary: 'the primary stops as it should: no new connections, answers what it has, says Connection: close, exits',
  goal: { failedGet: 0, failedPost: 0, gapMs: 30 },
  fault: ({ primary }) => primary.misbehave('graceful-stop'),
}
