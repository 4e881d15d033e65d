// For scenarios with `needsNetwork`.
import type { LossyNetwork } from '../network/lossy-network.ts'

export const networkOf = (network: LossyNetwork | null): LossyNetwork => {
  if (network === null) throw new Error('this scenario was started without its network')
  return network
}
