// The base line: what gaps and latencies look like when nothing happens.
import { now } from '../clock.ts'
import { UNMOVED } from './goal.ts'
import type { Scenario } from './scenario.ts'

export const noFault: Scenario = {
  name: 'no-fault',
  summary: 'nothing happens',
  goal: UNMOVED,
  fault: () => now(),
}
