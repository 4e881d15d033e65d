import type { Scenario } from './scenario.ts'

export const portClosed: Scenario = {
  name: 'port-closed',
  summary: 'the primary closes its port and cuts its connections',
  goal: { failedGet: 0, failedPost: 0, gapMs: 30 },
  fault: ({ primary }) => primary.misbehave('close-port'),
}
