/** The one place that reads Node's error codes: what went wrong on a socket, in the words of the core. */
import type { FailureKind } from '../core/failure.ts'

/** Every code with a meaning of its own. Whatever is missing here ended an open connection: a reset. */
const KINDS: Readonly<Record<string, FailureKind>> = {
  ECONNREFUSED: 'refused',

  EHOSTUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  // The path of a unix socket: nobody has created it, or we may not open it.
  ENOENT: 'unreachable',
  ENOTSOCK: 'unreachable',
  EACCES: 'unreachable',
  EPERM: 'unreachable',

  ENOTFOUND: 'dns',
  ENODATA: 'dns',
  ESERVFAIL: 'dns',
  EBADNAME: 'dns',
  ERR_NAME_UNRESOLVED: 'dns',

  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',

  ETIMEDOUT: 'timeout',
  ERR_SOCKET_CONNECTION_TIMEOUT: 'timeout',

  // We ourselves ran out of something. No upstream may be convicted for that.
  EMFILE: 'aborted',
  ENFILE: 'aborted',
  ENOBUFS: 'aborted',
  ENOMEM: 'aborted',

  // What came is not HTTP/2.
  ERR_HTTP2_ERROR: 'protocol',

  EPROTO: 'tls',
  CERT_HAS_EXPIRED: 'tls',
  HOSTNAME_MISMATCH: 'tls',
  INVALID_CA: 'tls',
  INVALID_PURPOSE: 'tls',
  PATH_LENGTH_EXCEEDED: 'tls',
}

const FAMILIES: readonly (readonly [prefix: string, kind: FailureKind])[] = [
  ['EAI_', 'dns'],
  ['ERR_TLS_', 'tls'],
  ['ERR_SSL_', 'tls'],
  ['CERT_', 'tls'],
  ['CRL_', 'tls'],
  ['ERROR_IN_', 'tls'],
  ['UNABLE_TO_', 'tls'],
  ['DEPTH_ZERO_', 'tls'],
  ['SELF_SIGNED_', 'tls'],
]

/** Null: the socket closed without an error before it was due. */
export function failureKindOf(error: NodeJS.ErrnoException | null): FailureKind {
  const code = error?.code
  if (typeof code !== 'string') return 'reset'
  const kind = KINDS[code]
  if (kind) return kind
  return FAMILIES.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 'reset'
}

/** A server of names that refuses connections, for one, has nothing to do with the upstream. */
export function unresolvedName(host: string, { message }: Error): NodeJS.ErrnoException {
  return Object.assign(new Error(`${host} cannot be resolved: ${message}`), { code: 'ERR_NAME_UNRESOLVED' })
}
