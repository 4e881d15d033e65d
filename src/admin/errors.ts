/** Every error the admin API answers with: its status and what to do about it. The one table of codes. */
import type { RefusalCode } from '../core/events.ts'

export type ErrorBody = Readonly<{ code: ErrorCode; message: string; hint: string }>

export const ERRORS = {
  host_not_allowed: {
    status: 403,
    hint: 'Use an IP address, localhost or the name in admin.listen: any other name could be a DNS rebinding attack.',
  },
  origin_not_allowed: {
    status: 403,
    hint: 'Pages of other sites may not use the admin API. Use curl or the command line.',
  },
  token_required: { status: 401, hint: 'Send the token of admin.token: `Authorization: Bearer …`.' },
  token_wrong: { status: 401, hint: 'Send the token of admin.token: `Authorization: Bearer …`.' },
  not_found: { status: 404, hint: 'GET / lists all endpoints.' },
  unknown_pool: { status: 404, hint: 'GET /pools lists the pools.' },
  unknown_upstream: { status: 404, hint: 'GET /upstreams lists the upstreams.' },
  method_not_allowed: { status: 405, hint: 'GET / lists all endpoints with their methods.' },
  event_stream_not_available: { status: 406, hint: 'This version answers with a list: poll /events?since=<last id>.' },
  not_eligible: { status: 409, hint: 'GET /upstreams says why.' },
  no_candidate: { status: 409, hint: 'GET /upstreams says why.' },
  switch_in_progress: { status: 409, hint: 'Wait for it to finish (seconds), then ask again.' },
  active_is_fit: { status: 409, hint: 'Use switchover for a planned change.' },
  drill_in_progress: { status: 409, hint: 'Wait for it to finish (seconds), then ask again.' },
  failback_is_off: { status: 409, hint: 'Use switchover with the name of the upstream.' },
  request_invalid: { status: 400, hint: 'GET /docs describes every request.' },
  body_too_large: { status: 413, hint: 'A command needs a few words at most.' },
  body_not_json: {
    status: 415,
    hint: 'Send JSON: -H \'Content-Type: application/json\' -d \'{"why":"…"}\', or no body.',
  },
  not_ready: { status: 503, hint: 'GET /upstreams says what is missing.' },
  reload_not_available: { status: 501, hint: 'Check the new file with `understudy check FILE`, then restart.' },
  internal: { status: 500, hint: 'This is a fault of Understudy; its log has the details.' },
} as const satisfies Record<RefusalCode, Entry> & Record<string, Entry>

type Entry = Readonly<{ status: number; hint: string }>
export type ErrorCode = keyof typeof ERRORS

/** Thrown by handlers and hooks, turned into an answer in one place. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ErrorCode
  readonly hint: string

  constructor(code: ErrorCode, message: string, hint: string = ERRORS[code].hint) {
    super(message)
    this.code = code
    this.hint = hint
  }

  get status(): number {
    return ERRORS[this.code].status
  }

  get body(): ErrorBody {
    return { code: this.code, message: this.message, hint: this.hint }
  }
}
