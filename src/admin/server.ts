/** The admin API: its own Fastify instance on its own address. Shows the pools and passes commands to them; decides nothing. */
import { STATUS_CODES } from 'node:http'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyError, FastifyInstance, FastifyRequest } from 'fastify'
import fastify from 'fastify'
import { commandRoutes } from './command-routes.ts'
import { ApiError } from './errors.ts'
import { admit } from './guard.ts'
import type { AdminOptions } from './options.ts'
import { SCHEMAS, SHARED } from './schemas.ts'
import { stateRoutes } from './state-routes.ts'

export type { AdminOptions, ListenerView } from './options.ts'

export type AdminListen = Readonly<{ host: string; port: number } | { path: string }>

export type Admin = Readonly<{ address: string; port: number | null; close(): Promise<void> }>

const JSON_TYPE = 'application/json; charset=utf-8'
const BODY_LIMIT = 4_096
const REQUEST_TIMEOUT = 10_000
/** Requests of this API take milliseconds; a client that reads slowly must not keep the process from ending. */
const CLOSE_TIMEOUT = 1_000

/** Rejects with the error of `listen` (EADDRINUSE, EACCES): the caller knows which setting to name. */
export async function startAdmin(options: AdminOptions, listen: AdminListen): Promise<Admin> {
  const app = await createAdmin(options)
  await app.listen(listen)
  const bound = app.server.address()
  const close = async () => {
    const cancel = options.clock.after(CLOSE_TIMEOUT, () => app.server.closeAllConnections())
    await app.close()
    cancel()
  }
  if (bound === null || typeof bound === 'string') return { address: bound ?? '', port: null, close }
  return { address: bound.address, port: bound.port, close }
}

/** Most who ask are people with curl, and a program does not mind. */
const pretty = (data: unknown): string => `${JSON.stringify(data, null, 2)}\n`

export type Endpoint = Readonly<{ method: string; path: string; summary: string }>

export async function createAdmin(options: AdminOptions): Promise<FastifyInstance> {
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT,
    http: { requireHostHeader: true, insecureHTTPParser: false, connectionsCheckingInterval: 1_000 },
    // A URL that cannot be decoded never gets as far as the routes and their error handler.
    frameworkErrors: (error, _request, reply) => {
      const { status, body } = fromFastify(error)
      reply.hijack()
      reply.raw.writeHead(status, { 'Content-Type': JSON_TYPE }).end(pretty(body))
    },
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
    // Refuse what is not asked for instead of dropping it: a misspelt `force` must not be a command without force.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  })
  const endpoints = listEndpoints(app)
  guard(app, options)
  answers(app, options, endpoints)
  for (const schema of SHARED) app.addSchema(schema)
  await documentation(app, options)
  app.get('/', { schema: SCHEMAS.index }, async () => index(options.version, endpoints))
  stateRoutes(app, options)
  commandRoutes(app, options)
  await app.ready()
  return app
}

/** Filled by Fastify itself, so that the index cannot differ from the routes. */
function listEndpoints(app: FastifyInstance): readonly Endpoint[] {
  const endpoints: Endpoint[] = []
  app.addHook('onRoute', ({ method, url, schema }) => {
    const summary = (schema as { summary?: string } | undefined)?.summary
    if (summary !== undefined && method !== 'HEAD') endpoints.push({ method: String(method), path: url, summary })
  })
  return endpoints
}

function guard(app: FastifyInstance, { hosts, token, refresh }: AdminOptions): void {
  const rules = { hosts, token }
  app.addHook('onRequest', async ({ headers, url }, reply) => {
    reply.header('Cache-Control', 'no-store').header('X-Content-Type-Options', 'nosniff')
    const { host, origin, authorization } = headers
    admit({ host, origin, authorization, path: url.split('?', 1)[0] ?? url }, rules)
    await refresh()
  })
  // JSON only: a page of another site can send plain text and forms without asking first, but not JSON.
  app.removeAllContentTypeParsers()
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (body.trim() === '') done(null, {})
    else parse(request, body, done)
  })
  app.addHook('preValidation', async (request) => {
    request.body ??= {}
  })
}

function answers(app: FastifyInstance, { onError }: AdminOptions, endpoints: readonly Endpoint[]): void {
  app.setReplySerializer(pretty)
  app.setSerializerCompiler(() => pretty)
  app.setErrorHandler(async (thrown: FastifyError, _request, reply) => {
    const error = thrown instanceof ApiError ? thrown : fromFastify(thrown)
    if (error.code === 'internal') onError(thrown)
    if (error.status === 401) reply.header('WWW-Authenticate', 'Bearer realm="understudy"')
    return reply.code(error.status).type(JSON_TYPE).serializer(pretty).send(error.body)
  })
  app.setNotFoundHandler(async (request, reply) => {
    const methods = methodsOf(endpoints, request)
    if (methods.length === 0) {
      const all = endpoints.map(({ method, path }) => `${method} ${path}`).join(', ')
      throw new ApiError('not_found', 'There is nothing at this path.', `There is: ${all}.`)
    }
    reply.header('Allow', methods.join(', '))
    throw new ApiError('method_not_allowed', `This path answers to ${methods.join(', ')} only.`)
  })
}

function methodsOf(endpoints: readonly Endpoint[], { url }: FastifyRequest): readonly string[] {
  const asked = (url.split('?', 1)[0] ?? '').split('/')
  return endpoints
    .filter(({ path }) => {
      const steps = path.split('/')
      return steps.length === asked.length && steps.every((step, at) => step.startsWith(':') || step === asked[at])
    })
    .map(({ method }) => method)
}

function fromFastify(error: FastifyError): ApiError {
  if (error.validation) {
    const extra = error.validation[0]?.params.additionalProperty
    const named = typeof extra === 'string' ? ` (${JSON.stringify(extra)})` : ''
    return new ApiError('request_invalid', `The request is not understood: ${error.message}${named}.`)
  }
  switch (error.statusCode) {
    case 413:
      return new ApiError('body_too_large', `A body may have at most ${BODY_LIMIT} bytes.`)
    case 415:
      return new ApiError('body_not_json', 'The body must be JSON.')
    default:
      if (error.statusCode === undefined || error.statusCode >= 500) {
        return new ApiError('internal', `${STATUS_CODES[500]}.`)
      }
      return new ApiError('request_invalid', `The request is not understood: ${error.message}.`)
  }
}

async function documentation(app: FastifyInstance, { version, token }: AdminOptions): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.0.3',
      info: { title: 'Understudy admin API', version, description: 'Shows the pools and takes commands.' },
      security: token === null ? [] : [{ token: [] }],
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
    refResolver: { buildLocalReference: ({ $id }, _base, _fragment, index) => String($id ?? `def-${index}`) },
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    // Nothing of other sites, and no upgrade to https, which this API does not speak.
    staticCSP: "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    uiConfig: { validatorUrl: null },
    theme: { title: 'Understudy admin API' },
  })
}

function index(version: string, endpoints: readonly Endpoint[]) {
  const lines = endpoints.map(({ method, path, summary }) => `${method} ${path}: ${summary}`)
  return { name: 'understudy', version, documentation: '/docs', endpoints: lines }
}
