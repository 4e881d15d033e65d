/** Local routes of an http listener: their keys, their defaults and what they mean. Relations: `listener-relations.ts`. */
import { METHODS } from 'node:http'
import { z } from 'zod'
import { count } from './units.ts'
import { name } from './upstream-schema.ts'

const PATH_EXPECTED = 'expected a path that starts with /, without ?, #, % and :, and with * only as /* at its end'
const PREFIX_EXPECTED = 'expected a path that starts with /, without ?, # and *, such as /v2'
const TYPE_EXPECTED = 'expected a media type, such as text/html; charset=utf-8'
const TARGET_EXPECTED = 'expected a path that starts with / or a URL that starts with http:// or https://'
const METHOD_EXPECTED = 'expected a method of HTTP in capital letters, such as GET'

/** Requests are compared decoded, so that one with % in it would never match; a colon would begin a parameter. */
const path = z
  .string({ error: PATH_EXPECTED })
  .regex(/^\/([!"$&-)+-9;-\x3e@-~]*|([!"$&-)+-9;-\x3e@-~]*\/)?\*)$/, { error: PATH_EXPECTED })
  .meta({ title: 'path' })

const rewrite = z
  .string({ error: PREFIX_EXPECTED })
  .regex(/^\/[!"$-)+->@-~]*$/, { error: PREFIX_EXPECTED })
  .meta({ title: 'path' })

/** Both travel in a header field: nothing that could end it. */
const mediaType = z
  .string({ error: TYPE_EXPECTED })
  .regex(/^[!-~]+\/[!-~]+( [!-~]+)*$/, { error: TYPE_EXPECTED })
  .meta({ title: 'media type' })
const target = z
  .string({ error: TARGET_EXPECTED })
  .regex(/^(\/|https?:\/\/[!-.0-~])[!-~]*$/, { error: TARGET_EXPECTED })
  .meta({ title: 'path or URL' })

const method = z
  .string({ error: METHOD_EXPECTED })
  .refine((method) => method !== 'CONNECT' && METHODS.includes(method), { error: METHOD_EXPECTED })
  .meta({ example: 'GET' })

const respond = z
  .strictObject({
    status: count({ min: 200, max: 599 }).prefault(200).describe('Status code of the answer.'),
    body: z
      .string({ error: 'expected text (put numbers in quotes)' })
      .prefault('')
      .describe('What the answer says.')
      .meta({ title: 'text', defaultNote: 'empty', example: 'User-agent: *' }),
    type: mediaType.prefault('text/plain; charset=utf-8').describe('Its `Content-Type`.'),
  })
  .describe('An answer of the proxy itself.')

const REDIRECTS = [301, 302, 307, 308] as const

const redirect = z
  .strictObject({
    to: target.describe('Where to: the `Location` of the answer.').meta({ example: '/shop' }),
    status: z
      .union([z.literal(REDIRECTS), z.enum(['301', '302', '307', '308'])], {
        error: 'expected one of `301`, `302`, `307`, `308`',
      })
      .meta({ title: '`301`, `302`, `307`, `308`' })
      .transform(Number)
      .prefault(308)
      .describe('308 and 307 keep method and body, 301 and 302 do not. 308 and 301 are remembered by browsers.'),
  })
  .describe('Sends the client elsewhere.')

const route = z
  .strictObject({
    path: path
      .describe('Path of a request, without its query: exactly this one, or with `/*` at the end all that begin so.')
      .meta({ example: '/robots.txt' }),
    methods: z
      .array(method, { error: 'expected a list of methods, such as [GET, HEAD]' })
      .min(1, { error: 'expected at least one method; leave the key out for all of them' })
      .exactOptional()
      .describe('Only these methods; any other goes to the pool of the listener.')
      .meta({ title: 'list of methods', defaultNote: 'all', example: ['GET', 'HEAD'] }),
    respond: respond.exactOptional(),
    redirect: redirect.exactOptional(),
    pool: name()
      .exactOptional()
      .describe('Another pool that serves these requests. Its upstreams speak HTTP.')
      .meta({ example: 'assets' }),
    rewrite: rewrite
      .exactOptional()
      .describe('With `pool` only: what the upstream gets in place of the matched path, or of what is before `/*`.')
      .meta({ defaultNote: 'the path stays as it is', example: '/static' }),
  })
  .meta({
    example: { path: '/robots.txt', respond: {} },
    samples: [
      { path: '/robots.txt', methods: ['GET', 'HEAD'], respond: { body: 'User-agent: *' } },
      { path: '/old/*', redirect: { to: '/shop', status: 308 } },
      { path: '/assets/*', pool: 'assets', rewrite: '/static' },
    ],
  })

export const front = z
  .strictObject({
    routes: z
      .array(route, { error: 'expected a list of routes, one `- { path: …, respond: … }` a line' })
      .describe('Each has a `path` and exactly one of `respond`, `redirect` and `pool`.')
      .meta({ example: [{ path: '/robots.txt', respond: {} }] }),
  })
  .describe('`protocol: http` only: requests that do not go to the pool of the listener.')
