// One failover and one failback under load. nginx and Caddy come back after 10 s, hence the length.
import type { Scenario } from './scenario.ts'

export const crashAndReturn: Scenario = {
  name: 'crash-and-return',
  summary: 'the primary is killed and 2 s later started again; failback is automatic and soon',
  goal: { failedGet: 0, switches: { least: 2, most: 2 } },
  secondsAfterFault: 17,
  settings: { failbackAfterMs: 2_000 },
  fault: ({ primary }) => primary.signal('SIGKILL'),
  recovery: ({ primary }) => primary.restart(),
  recoverAfterMs: 2_000,
}
