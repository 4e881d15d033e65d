/** Asks the admin API of a running Understudy. Every way this can go wrong ends in a `CliError` that names the fix. */
import type { IncomingMessage, RequestOptions } from 'node:http'
import { request } from 'node:http'
import type { ListenAddress } from '../config/addresses.ts'
import { parseListen } from '../config/addresses.ts'
import { CliError, EXIT } from './exit.ts'
import { plain } from './output.ts'

export const DEFAULT_ADMIN = '127.0.0.1:9900'

export type AdminAccess = Readonly<{ admin: string; token: string | undefined }>

const TIMEOUT = 10_000
const LONGEST_ANSWER = 16 * 1_048_576

export type AdminClient = Readonly<{
  get<Answer>(path: string): Promise<Answer>
  post<Answer>(path: string, body: object): Promise<Answer>
}>

export function adminClient({ admin, token }: AdminAccess): AdminClient {
  const address = parseListen(admin)
  if (address === undefined) {
    throw new CliError(`--admin: ${plain(admin)} is not an address`, `write it like ${DEFAULT_ADMIN}`, EXIT.usage)
  }
  const ask = async <Answer>(method: string, path: string, body: object | null): Promise<Answer> => {
    const answer = await send(
      requestTo(address, { method, path, token }),
      body === null ? '' : JSON.stringify(body),
      admin,
    )
    return understand(answer, admin) as Answer
  }
  return { get: (path) => ask('GET', path, null), post: (path, body) => ask('POST', path, body) }
}

type Order = Readonly<{ method: string; path: string; token: string | undefined }>

function requestTo(address: ListenAddress, { method, path, token }: Order): RequestOptions {
  const headers = {
    Accept: 'application/json',
    ...(method === 'POST' && { 'Content-Type': 'application/json' }),
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
  }
  const common = { method, path, headers, agent: false, timeout: TIMEOUT }
  if (address.kind === 'unix') return { ...common, socketPath: address.path, setDefaultHeaders: true }
  return { ...common, host: reachable(address.host), port: address.port }
}

/** What one listens on is not always what one can connect to. */
const reachable = (host: string): string =>
  host === '' || host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host

type Answer = Readonly<{ status: number; text: string }>

function send(options: RequestOptions, body: string, admin: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      read(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject)
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT / 1_000}s`)))
    sent.on('error', (error) => reject(unreachable(admin, error)))
    sent.end(body)
  })
}

async function read(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk
    if (text.length > LONGEST_ANSWER) throw new CliError('the answer is far too long for an admin API', CHECK_ADDRESS)
  }
  return text
}

const CHECK_ADDRESS = 'is another program listening there? give the address of admin.listen with --admin'

function unreachable(admin: string, error: NodeJS.ErrnoException): CliError {
  const why = error.code ?? error.message
  const hint = 'is Understudy running? if its admin.listen is another address, give it with --admin'
  return new CliError(`cannot reach the admin API at ${plain(admin)} (${why})`, hint, EXIT.unreachable)
}

type Failure = Readonly<{ code: string; message: string; hint: string }>

function understand({ status, text }: Answer, admin: string): unknown {
  const value = parse(text)
  if (status >= 200 && status < 300 && value !== undefined) return value
  if (!isFailure(value)) {
    throw new CliError(`${plain(admin)} does not answer like an admin API (status ${status})`, CHECK_ADDRESS)
  }
  if (status === 401) {
    throw new CliError(plain(value.message), 'give the token with --token or in UNDERSTUDY_TOKEN')
  }
  const refused = status === 404 || status === 409
  throw new CliError(plain(value.message), plain(value.hint), refused ? EXIT.refused : EXIT.error)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isFailure(value: unknown): value is Failure {
  const failure = value as Partial<Failure> | null | undefined
  return typeof failure?.code === 'string' && typeof failure.message === 'string' && typeof failure.hint === 'string'
}
