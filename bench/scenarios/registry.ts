// Every scenario by name, first what must move the traffic, then what must not. To add one: a file beside this one, and a line
// here.
import { errorToAll } from './500-to-all.ts'
import { refusalToAll } from './503-to-all.ts'
import { acceptAndClose } from './accept-and-close.ts'
import { alternating } from './alternating.ts'
import { answersCut } from './answers-cut.ts'
import { blackholed } from './blackholed.ts'
import { bothStopped } from './both-stopped.ts'
import { crashAndReturn } from './crash-and-return.ts'
import { downloadsCut } from './downloads-cut.ts'
import { everythingSlow } from './everything-slow.ts'
import { gracefulStop } from './graceful-stop.ts'
import { idleClose } from './idle-close.ts'
import { killed } from './killed.ts'
import { noFault } from './no-fault.ts'
import { onePath500 } from './one-path-500.ts'
import { onePathSlow } from './one-path-slow.ts'
import { packetLoss } from './packet-loss.ts'
import { pauses } from './pauses.ts'
import { plannedSwitchover } from './planned-switchover.ts'
import { portClosed } from './port-closed.ts'
import { probeRed } from './probe-red.ts'
import { proxyStopped } from './proxy-stopped.ts'
import { random500 } from './random-500.ts'
import type { Scenario } from './scenario.ts'
import { stopped } from './stopped.ts'

/** The short form: what can be told in a few seconds, without privileges. */
export const quickScenarios: readonly Scenario[] = [
  noFault,
  killed,
  portClosed,
  acceptAndClose,
  refusalToAll,
  gracefulStop,
  stopped,
  plannedSwitchover,
  errorToAll,
  everythingSlow,
  answersCut,
  onePath500,
]

export const scenarios: readonly Scenario[] = [
  ...quickScenarios,
  blackholed,
  downloadsCut,
  alternating,
  bothStopped,
  crashAndReturn,
  idleClose,
  onePathSlow,
  pauses,
  random500,
  probeRed,
  proxyStopped,
  packetLoss,
]
