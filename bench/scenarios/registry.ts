// Every scenario by name. To add one: a file beside this one, and a line here.
import { errorToAll } from './500-to-all.ts'
import { refusalToAll } from './503-to-all.ts'
import { acceptAndClose } from './accept-and-close.ts'
import { answersCut } from './answers-cut.ts'
import { everythingSlow } from './everything-slow.ts'
import { gracefulStop } from './graceful-stop.ts'
import { killed } from './killed.ts'
import { noFault } from './no-fault.ts'
import { onePath500 } from './one-path-500.ts'
import { plannedSwitchover } from './planned-switchover.ts'
import { portClosed } from './port-closed.ts'
import type { Scenario } from './scenario.ts'
import { stopped } from './stopped.ts'

export const scenarios: readonly Scenario[] = [
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
