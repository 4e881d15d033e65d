/** Addresses in the one form in which they are compared, counted and shown. */
import net from 'node:net'

/**
 * What a socket or inet_ntop says, without what nobody writes in a list of addresses: a listener on :: sees IPv4 clients
 * as ::ffff:192.0.2.1, and link-local ones with the name of our interface behind a %.
 */
export function plainAddress(address: string): string {
  if (!address.includes(':')) return address
  const zone = address.indexOf('%')
  return (zone < 0 ? address : address.slice(0, zone)).replace(/^::ffff:(?=[0-9.]+$)/i, '')
}

/** RFC 5952: one text for every address. Two spellings of one client would count as two. `address` must be valid IPv6. */
export const canonicalIPv6 = (address: string): string =>
  plainAddress(new net.SocketAddress({ family: 'ipv6', address }).address)
