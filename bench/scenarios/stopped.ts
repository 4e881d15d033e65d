// The kernel still completes handshakes and takes bytes for the stopped process, so only silence tells.
import type { Scenario } from './scenario.ts'

export const stopped: Scenario = {
  name: 'stopped',
  summary: 'the primary is stopped (SIGSTOP): connects succeed, nothing answers',
  goal: { failedGet: 0, failedPost: 12, gapMs: 250, worstGetMs: 600 },
  fault: ({ primary }) => primary.signal('SIGSTOP'),
  aftermath: ({ primary }) => primary.signal('SIGCONT'),
}
