/** What is needed to open a connection to an upstream, whatever is spoken on it. */
import net from 'node:net'
import tls from 'node:tls'
import type { KnownAddresses } from './known-addresses.ts'

/** PEM texts. `ca` in place of the authorities that come with Node; `identity` is shown to the upstream. */
export type ConnectTls = Readonly<{
  serverName: string
  verify: boolean
  ca: string | null
  identity: Readonly<{ cert: string; key: string }> | null
}>

/** `socketPath`: a unix socket, in place of `port`. It has one address, its path. */
export type Place = Readonly<{ addresses: KnownAddresses; port: number; socketPath: string | null }>

/** `host`: as it is called, a name or an address; '' for a unix socket. */
export type ConnectTo = Place & Readonly<{ host: string; tls: ConnectTls | null }>

/** For whoever opens a TLS connection to an upstream. */
export function tlsOptions({ serverName, verify, ca, identity }: ConnectTls): tls.ConnectionOptions {
  return {
    rejectUnauthorized: verify,
    minVersion: 'TLSv1.2',
    ...expecting(serverName),
    ...(ca === null ? {} : { ca }),
    ...identity,
  }
}

/** An address is no name to ask for (RFC 6066 §3); the certificate is checked against it all the same. */
function expecting(serverName: string): tls.ConnectionOptions {
  if (net.isIP(serverName) === 0) return { servername: serverName }
  return { checkServerIdentity: (_, certificate) => tls.checkServerIdentity(serverName, certificate) }
}
