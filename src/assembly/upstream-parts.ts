/** From an upstream's settings to how it is reached: by traffic, and by probes. Reads the PEM files that they name. */
import { readFileSync } from 'node:fs'
import type { UpstreamConfig } from '../config/schema.ts'
import { upstreamId } from '../core/upstream.ts'
import type { ProbeTarget, ProbeTls } from '../probe/probe.ts'
import type { ConnectTls, ConnectTo } from '../wire/connect-to.ts'
import type { KnownAddresses } from '../wire/known-addresses.ts'
import { localProxyHeader } from '../wire/proxy-header-writer.ts'
import { cannotRead } from './start-error.ts'

/** Throws a StartError when a file cannot be read. */
export function connectTo({ name, url, tls }: UpstreamConfig, addresses: KnownAddresses): ConnectTo {
  const { host, port, path = null } = url
  const read = (file: string | undefined, key: string): string | null =>
    file === undefined ? null : readPem(file, `tls.${key} of upstream ${name}`)
  return { host, port, socketPath: path, addresses, tls: tls === undefined ? null : connectTls(host, tls, read) }
}

function connectTls(
  host: string,
  tls: NonNullable<UpstreamConfig['tls']>,
  read: (file: string | undefined, key: string) => string | null,
): ConnectTls {
  const cert = read(tls.cert, 'cert')
  const key = read(tls.key, 'key')
  return {
    serverName: tls.serverName ?? host,
    verify: tls.verify,
    ca: read(tls.ca, 'ca'),
    identity: cert === null || key === null ? null : { cert, key },
  }
}

export function probeTarget({ name, proxyProtocol }: UpstreamConfig, to: ConnectTo): ProbeTarget {
  const { host, port, socketPath, addresses, tls } = to
  return {
    id: upstreamId(name),
    host,
    port,
    addresses,
    ...(socketPath === null ? {} : { socketPath }),
    proxyHeader: proxyProtocol === 'off' ? null : localProxyHeader(proxyProtocol),
    tls: tls === null ? null : probeTls(tls),
  }
}

function probeTls({ serverName, verify, ca, identity }: ConnectTls): ProbeTls {
  return { serverName, verify, ...(ca === null ? {} : { ca }), ...identity }
}

function readPem(file: string, place: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw cannotRead(place, error)
  }
}
