/** Writes the header that tells the next server whose connection this is (PROXY protocol, versions 1 and 2). */
import net from 'node:net'
import type { Endpoint } from './arrival.ts'
import { plainAddress } from './endpoint.ts'
import { V2_SIGNATURE } from './proxy-protocol.ts'

type Version = 'v1' | 'v2'

const LOCAL = 0x20
const PROXY = 0x21
const UNSPECIFIED = 0x00
const TCP4 = 0x11
const TCP6 = 0x21

/** Clients of unix sockets have no address to tell. With one end in IPv4 and one in IPv6, both are written as IPv6. */
export function proxyHeader(version: Version, source: Endpoint, destination: Endpoint): Buffer {
  const from = plainAddress(source.address)
  const to = plainAddress(destination.address)
  if (!net.isIP(from) || !net.isIP(to)) return version === 'v1' ? unknownV1() : headerV2(PROXY, UNSPECIFIED)
  const v4 = net.isIPv4(from) && net.isIPv4(to)
  const bytesOf = v4 ? ipv4Bytes : ipv6Bytes
  if (version === 'v2') {
    const ports = Buffer.alloc(4)
    ports.writeUInt16BE(source.port, 0)
    ports.writeUInt16BE(destination.port, 2)
    return headerV2(PROXY, v4 ? TCP4 : TCP6, Buffer.concat([bytesOf(from), bytesOf(to), ports]))
  }
  const [family, ends] = v4 ? ['TCP4', `${from} ${to}`] : ['TCP6', `${ipv6Text(from)} ${ipv6Text(to)}`]
  return Buffer.from(`PROXY ${family} ${ends} ${source.port} ${destination.port}\r\n`, 'latin1')
}

/** For connections of our own, such as probes: nobody else's is behind them. */
export const localProxyHeader = (version: Version): Buffer =>
  version === 'v1' ? unknownV1() : headerV2(LOCAL, UNSPECIFIED)

const unknownV1 = (): Buffer => Buffer.from('PROXY UNKNOWN\r\n', 'latin1')

function headerV2(command: number, family: number, addresses = Buffer.alloc(0)): Buffer {
  return Buffer.concat([V2_SIGNATURE, Buffer.from([command, family, 0, addresses.length]), addresses])
}

const ipv4Bytes = (address: string): Buffer => Buffer.from(address.split('.').map(Number))

/** Hexadecimal to the end: the protocol's text knows no `::ffff:192.0.2.1`. */
function ipv6Text(address: string): string {
  const dotted = /[0-9.]+$/.exec(address)?.[0] ?? ''
  if (!net.isIPv4(dotted)) return address
  const hex = ipv4Bytes(dotted).toString('hex')
  return `${address.slice(0, -dotted.length) || '::ffff:'}${hex.slice(0, 4)}:${hex.slice(4)}`
}

function ipv6Bytes(address: string): Buffer {
  const [left = [], right = []] = ipv6Text(address)
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''))
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex')
}
