// A laptop lid, a live migration, a starved host: all clocks have moved on, and every silence was our own.
import { now } from '../clock.ts'
import { UNMOVED } from './goal.ts'
import type { Act, Scenario } from './scenario.ts'

// To the whole group: nginx works in children.
const signalled =
  (signal: 'SIGSTOP' | 'SIGCONT'): Act =>
  ({ contender }) => {
    process.kill(-contender.pid, signal)
    return now()
  }

export const proxyStopped: Scenario = {
  name: 'proxy-stopped',
  summary: 'the proxy itself is stopped for 1 s and continued: nobody should switch',
  goal: UNMOVED,
  fault: signalled('SIGSTOP'),
  recovery: signalled('SIGCONT'),
  recoverAfterMs: 1_000,
}
