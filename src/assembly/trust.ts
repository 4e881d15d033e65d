/** Which addresses are among the given networks. */
import net from 'node:net'
import type { Network } from '../config/schema.ts'

export function trustOf(networks: readonly Network[]): (address: string) => boolean {
  if (networks.length === 0) return () => false
  const list = new net.BlockList()
  for (const { address, prefix, family } of networks) list.addSubnet(address, prefix, family)
  return (address) => net.isIP(address) !== 0 && list.check(address, net.isIPv6(address) ? 'ipv6' : 'ipv4')
}
