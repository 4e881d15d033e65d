/** Where an upstream is, for whoever connects to it: traffic and probes alike. */
import { KnownAddresses } from '../../src/wire/known-addresses.ts'

export const at = (port: number, host = '127.0.0.1') => ({ host, port, addresses: KnownAddresses.of(host) })

export const atPath = (socketPath: string) => ({
  host: '',
  port: 0,
  addresses: KnownAddresses.of(socketPath),
  socketPath,
})
