import type { Scenario } from './scenario.ts'

export const portClosed: Scenario = {
  name: 'port-closed',
  summary: 'the primary closes its port and cuts its connections',
  fault: ({ primary }) => primary.misbehave('close-port'),
}
