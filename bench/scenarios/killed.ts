// The kernel closes every connection at once and refuses new ones.
import type { Scenario } from './scenario.ts'

export const killed: Scenario = {
  name: 'killed',
  summary: 'the primary is killed (SIGKILL)',
  goal: { failedGet: 0, failedPost: 0, gapMs: 30 },
  fault: ({ primary }) => primary.signal('SIGKILL'),
}
