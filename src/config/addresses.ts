/** Addresses in the configuration file: where we listen, whom we forward to, whose headers we believe. No name is resolved here. */
import { isIP, isIPv4, isIPv6 } from 'node:net'
import { z } from 'zod'

/** `host` is '' for `:8080`, every address of the machine: `net.Server.listen` reads '' the same way. IPv6 without brackets. */
type TcpAddress = Readonly<{ kind: 'tcp'; host: string; port: number; text: string }>
type UnixAddress = Readonly<{ kind: 'unix'; path: string; text: string }>
export type ListenAddress = TcpAddress | UnixAddress

/** `h2` is HTTP/2 over TLS, `h2c` without it (RFC 9113 section 3.3), `tls` any protocol inside TLS. */
export type UpstreamProtocol = 'http' | 'https' | 'h2' | 'h2c' | 'tcp' | 'tls' | 'unix'
/** `path` only for `unix`, where `host` is '' and `port` 0. IPv6 without brackets. */
export type UpstreamUrl = Readonly<{
  protocol: UpstreamProtocol
  host: string
  port: number
  path?: string
  text: string
}>

/** The arguments of `net.BlockList.addSubnet`. */
export type Network = Readonly<{ address: string; prefix: number; family: 'ipv4' | 'ipv6'; text: string }>

const HOST_AND_PORT = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]*))(?::(\d{1,5}))?$/
const LABELS = /^(?!-)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$/
const SCHEME = /^(https?|h2c?|tcp|tls):\/\/([^/]+)\/?$/i
const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443, h2: 443, h2c: 80 }

function hostAndPort(text: string): { host: string; port: number | undefined } | undefined {
  const match = HOST_AND_PORT.exec(text)
  if (match === null) return undefined
  const [, v6, name = '', digits] = match
  const port = digits === undefined ? undefined : Number(digits)
  if (port !== undefined && port > 65_535) return undefined
  if (v6 !== undefined) return isIPv6(v6) ? { host: v6.toLowerCase(), port } : undefined
  // 300.1.1.1 and 10.0.1 look like addresses and would be looked up as names: refuse what ends in a number and is no IPv4.
  const numeric = /(^|\.)\d+\.?$/.test(name)
  if (name !== '' && !(numeric ? isIPv4(name) : LABELS.test(name))) return undefined
  return { host: name.toLowerCase(), port }
}

export function parseListen(text: string): ListenAddress | undefined {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length)
    return path.startsWith('/') && !path.includes('\0') ? { kind: 'unix', path, text } : undefined
  }
  const address = hostAndPort(text)
  if (address?.port === undefined) return undefined
  return { kind: 'tcp', host: address.host, port: address.port, text }
}

export function parseUpstreamUrl(text: string): UpstreamUrl | undefined {
  const [, scheme = '', rest = ''] = SCHEME.exec(text) ?? []
  const unix = /^unix:(?:\/\/)?(\/[^\0]+)$/.exec(text)?.[1]
  if (unix !== undefined) return { protocol: 'unix', host: '', port: 0, path: unix, text }
  const protocol = scheme.toLowerCase() as UpstreamProtocol
  const address = hostAndPort(rest)
  const port = address?.port ?? DEFAULT_PORTS[protocol]
  if (address === undefined || address.host === '' || port === undefined || port === 0) return undefined
  return { protocol, host: address.host, port, text }
}

export const isEncrypted = ({ protocol }: UpstreamUrl): boolean =>
  protocol === 'https' || protocol === 'h2' || protocol === 'tls'

/** Its address has to be looked up. */
export const isNamed = ({ host }: UpstreamUrl): boolean => host !== '' && isIP(host) === 0

export function parseNetwork(text: string): Network | undefined {
  const [address = '', bits, ...more] = text.split('/')
  const family = isIP(address)
  const longest = family === 4 ? 32 : 128
  if (family === 0 || more.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return undefined
  const prefix = bits === undefined ? longest : Number(bits)
  return prefix <= longest ? { address, prefix, family: family === 4 ? 'ipv4' : 'ipv6', text } : undefined
}

const isLoopbackHost = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))

/** Only programs on this machine can connect. '' is every address, so it is not loopback. */
export const isLoopback = (address: ListenAddress): boolean => address.kind === 'unix' || isLoopbackHost(address.host)

const isEveryAddress = (host: string): boolean => host === '' || host === '0.0.0.0' || host === '::'

/** Binding both would fail with EADDRINUSE. Port 0 lets the system choose and never collides. */
export function collide(one: ListenAddress, other: ListenAddress): boolean {
  if (one.kind === 'unix' || other.kind === 'unix') {
    return one.kind === 'unix' && other.kind === 'unix' && one.path === other.path
  }
  if (one.port !== other.port || one.port === 0) return false
  return one.host === other.host || isEveryAddress(one.host) || isEveryAddress(other.host)
}

/** Connecting to `url` arrives at `address`: a proxy that forwards to itself melts at the first request. */
export function reaches(url: UpstreamUrl, address: ListenAddress): boolean {
  if (url.protocol === 'unix' || address.kind === 'unix') return address.kind === 'unix' && url.path === address.path
  if (url.port !== address.port) return false
  if (isLoopbackHost(url.host)) return isLoopbackHost(address.host) || isEveryAddress(address.host)
  return url.host === address.host
}

type Parser<T> = Readonly<{
  title: string
  expected: string
  parse: (text: string) => T | undefined
  /** The likely mistake. Never repeats the text: it may hold a password. */
  mistake?: (text: string) => string | undefined
}>

const parsed = <T>({ title, expected, parse, mistake }: Parser<T>) =>
  z
    .string({ error: expected })
    .meta({ title })
    .transform((text, context) => {
      const value = parse(text)
      if (value !== undefined) return value
      context.addIssue({ code: 'custom', message: mistake?.(text) ?? expected })
      return z.NEVER
    })

function mistakeInUrl(text: string): string | undefined {
  const [, rest] = /^[a-z][a-z0-9+.-]*:\/\/(.*)$/is.exec(text) ?? []
  if (rest === undefined) return undefined
  if (rest.includes('@')) return 'must not contain credentials: they would not be sent to the upstream'
  if (/^[^/]+[/?#]./.test(rest)) {
    return 'must not contain a path: a request keeps its own path. Write only scheme, host and port'
  }
  const address = hostAndPort(SCHEME.exec(text)?.[2] ?? '')
  const portless = address !== undefined && address.host !== '' && address.port === undefined
  return portless ? 'needs a port, such as tcp://db.internal:5432 or tls://db.internal:5432' : undefined
}

export const listenAddress = () =>
  parsed({
    title: 'address',
    expected: 'expected an address to listen on, such as 0.0.0.0:8080, "[::]:8080", :8080 or unix:/run/understudy.sock',
    parse: parseListen,
  })

export const upstreamUrl = () =>
  parsed({
    title: 'URL',
    expected:
      'expected the URL of an upstream, such as http://10.0.0.1:3000, https://app.internal or tcp://10.0.0.1:5432',
    parse: parseUpstreamUrl,
    mistake: mistakeInUrl,
  })

export const network = () =>
  parsed({
    title: 'IP address or CIDR',
    expected: 'expected an IP address or a network, such as 10.0.0.1 or 10.0.0.0/8',
    parse: parseNetwork,
  })
