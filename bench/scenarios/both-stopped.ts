// Nowhere to go, until there is. What the stopped ones had been sent is executed when they continue.
import type { Scenario } from './scenario.ts'

export const bothStopped: Scenario = {
  name: 'both-stopped',
  summary: 'both origins are stopped; 2 s later the standby continues',
  goal: { recoveredAfterMs: 200 },
  fault: ({ primary, standby }) => {
    standby.signal('SIGSTOP')
    return primary.signal('SIGSTOP')
  },
  recovery: ({ standby }) => standby.signal('SIGCONT'),
  recoverAfterMs: 2_000,
  aftermath: ({ primary }) => primary.signal('SIGCONT'),
}
