import { UNMOVED } from './goal.ts'
import { networkOf } from './network-of.ts'
import type { Scenario } from './scenario.ts'

export const packetLoss: Scenario = {
  name: 'packet-loss',
  summary: '1 % of the packets to and from the primary are lost: nobody should switch',
  goal: UNMOVED,
  needsNetwork: true,
  fault: ({ network }) => networkOf(network).lose(0.01),
}
