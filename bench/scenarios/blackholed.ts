// A cable is pulled, a firewall forgets a rule: not even the kernel of the other side answers.
import { networkOf } from './network-of.ts'
import type { Scenario } from './scenario.ts'

export const blackholed: Scenario = {
  name: 'blackholed',
  summary: 'packets to and from the primary are dropped',
  goal: { failedGet: 0, failedPost: 12, gapMs: 250 },
  needsNetwork: true,
  fault: ({ network }) => networkOf(network).lose(1),
  // What the kernel still sends again arrives after all.
  aftermath: ({ network }) => networkOf(network).lose(0),
}
