/** Lists of addresses, as names have them: in which order they are tried, and whether they are others than before. */
import net from 'node:net'

/**
 * RFC 8305 §4: the families take turns, beginning with that of the first address, so that a family without a way out costs
 * one attempt and not as many as it has addresses. Otherwise in the order of the resolver, and each of them once.
 */
export function interleaved(addresses: readonly string[]): readonly string[] {
  const each = [...new Set(addresses)]
  const six = net.isIPv6(each[0] ?? '')
  const first = each.filter((address) => net.isIPv6(address) === six)
  const other = each.filter((address) => net.isIPv6(address) !== six)
  const pairs = first.flatMap((address, index) => [address, ...other.slice(index, index + 1)])
  return [...pairs, ...other.slice(first.length)]
}

/** Whatever their order. Both have each of theirs once. */
export const sameAddresses = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((address) => other.includes(address))
