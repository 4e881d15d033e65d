// Both origins stay well; an operator moves the traffic by the contender's own API, and later back.
import { now } from '../clock.ts'
import type { Act, Scenario } from './scenario.ts'

// The moment of the command counts, not that of its answer: traffic may move before the answer is out.
const commanded =
  (name: 'switchover' | 'failback'): Act =>
  async ({ contender }) => {
    const at = now()
    const command = contender[name]
    if (!command) throw new Error(`this contender has no ${name} command`)
    await command()
    return at
  }

export const plannedSwitchover: Scenario = {
  name: 'planned-switchover',
  summary: 'an operator switches to the standby and later back',
  goal: { failedGet: 0, failedPost: 0, gapOverQuietMs: 15, switches: { least: 2, most: 2 } },
  needsSwitchoverApi: true,
  fault: commanded('switchover'),
  recovery: commanded('failback'),
}
