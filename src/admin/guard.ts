/**
 * Who may talk to the admin API. Host and Origin are checked because a web page can make its visitor's browser send
 * requests to loopback addresses; the token because other people's programs can, too.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import { ApiError } from './errors.ts'

export type Guard = Readonly<{
  /** Names by which the API may be called, besides localhost and IP addresses. */
  hosts: readonly string[]
  token: string | null
}>

export type Caller = Readonly<{
  host: string | undefined
  origin: string | undefined
  authorization: string | undefined
  path: string
}>

const HOST = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::\d{1,5})?$/i
/** For load balancers and container runtimes, which have no token. It tells nothing but that the process lives. */
const OPEN_PATHS: readonly string[] = ['/healthz']

/** Throws the reason to refuse. */
export function admit(caller: Caller, guard: Guard): void {
  checkHost(caller.host, guard.hosts)
  checkOrigin(caller)
  if (guard.token !== null && !OPEN_PATHS.includes(caller.path)) checkToken(caller.authorization, guard.token)
}

/** DNS rebinding: the attacker's name points to 127.0.0.1, but it is still the attacker's name that the browser sends. */
function checkHost(host: string | undefined, allowed: readonly string[]): void {
  const [, v6, name = ''] = HOST.exec(host ?? '') ?? []
  const literal = v6 === undefined ? isIP(name) === 4 : isIP(v6) === 6
  const known = ['localhost', ...allowed].some((each) => each !== '' && each.toLowerCase() === name.toLowerCase())
  if (!literal && !known) throw new ApiError('host_not_allowed', 'The admin API is not called by this Host name.')
}

function checkOrigin({ origin, host }: Caller): void {
  if (origin === undefined) return
  if (URL.parse(origin)?.host !== host?.toLowerCase()) {
    throw new ApiError('origin_not_allowed', 'The request comes from a page of another site.')
  }
}

function checkToken(authorization: string | undefined, token: string): void {
  const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  if (given === undefined) throw new ApiError('token_required', 'The admin API needs a token.')
  if (!timingSafeEqual(digest(given), digest(token))) throw new ApiError('token_wrong', 'This is not the right token.')
}

/** Equal lengths, which `timingSafeEqual` insists on, whatever was sent. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
