// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration file, not of JavaScript
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { configFromFlags, redact } from '../../../src/config/load.ts'
import { configSchema, resolve } from '../../../src/config/schema.ts'
import { accepted, MINIMAL, problemsOf } from './support.ts'

const SECRET = 'hunter2hunter2hunter2'

describe('no secret is ever printed', () => {
  it.each([
    ['a token with a space', `${MINIMAL}admin: { token: "${SECRET} x" }`],
    ['a token that is a list', `${MINIMAL}admin: { token: [${SECRET}] }`],
    ['a token in bad syntax', `${MINIMAL}admin: { token: "${SECRET}`],
    ['a token with a bad escape', `${MINIMAL}admin: { token: "\\q${SECRET}" }`],
    ['a token that looks like an alias', `${MINIMAL}admin: { token: *${SECRET} }`],
    ['a token that looks like a tag', `${MINIMAL}admin: { token: !${SECRET} x }`],
    ['a token after a closed document', `${MINIMAL}admin: { token: x } ${SECRET}`],
    ['a token after a block header', `${MINIMAL}admin:\n  token: |${SECRET}\n`],
    ['credentials in an upstream', MINIMAL.replace('//10.0.0.1', `//me:${SECRET}@10.0.0.1`)],
    ['credentials in an upstream with a path', MINIMAL.replace('//10.0.0.1:3000', `//me:${SECRET}@10.0.0.1/a`)],
    ['a password as an upstream', MINIMAL.replace('http://10.0.0.1:3000', SECRET)],
    ['a webhook', `${MINIMAL}alerts: [{ url: "https://x/${SECRET}", on: [never] }]`],
  ])('%s', (_, text) => {
    const problems = problemsOf(text).join('\n')
    expect(problems).not.toBe('')
    expect(problems).not.toContain(SECRET)
  })

  it.each([
    'listeners.web.listen',
    'listeners.web.protocol',
    'listeners.web.pool',
    'pools.shop.kind',
    'pools.shop.upstreams',
    'pools.shop.hold.time',
    'pools.shop.hold.bytes',
    'pools.shop.hold.requests',
    'pools.shop.detect.successRate',
    'pools.shop.probe.expect',
    'pools.shop.probe.path',
    'pools.shop.probe.hello',
    'listeners.web.http2',
    'listeners.web.limits.streams',
    'listeners.web.front.routes',
    'pools.shop.replay.idempotencyKey',
    'pools.shop.hooks.fence',
  ])('what a variable held, used by mistake for %s', (path) => {
    const data: unknown = path
      .split('.')
      .reverse()
      .reduce<unknown>((value, key) => ({ [key]: value }), '${PASSWORD}')
    const problems = problemsOf(JSON.stringify(data), { PASSWORD: `${SECRET} !` }).join('\n')
    expect(problems).toContain(path)
    expect(problems).not.toContain(SECRET)
  })

  it('whatever the URL looks like', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.constantFrom('http', 'https', 'h2', 'tcp', 'x'), (rest, scheme) => {
        const url = JSON.stringify(`${scheme}://me:${SECRET}@h${rest}`)
        expect(problemsOf(MINIMAL.replace('http://10.0.0.1:3000', url)).join()).not.toContain(SECRET)
      }),
    )
  })

  it('credentials in flags', () => {
    const result = configFromFlags({ primary: `http://me:${SECRET}@a`, standby: ['http://b'], listen: ':1' })
    expect(JSON.stringify(result)).not.toContain(SECRET)
    expect(result.ok).toBe(false)
  })
})

describe('the configuration as it is shown', () => {
  it('has no token, and is otherwise the same', () => {
    const config = accepted(`${MINIMAL}admin: { token: "${SECRET}" }`)
    const shown = redact(config)
    expect(JSON.stringify(shown)).not.toContain(SECRET)
    expect(shown).toEqual({ ...config, admin: { ...config.admin, token: '[redacted]' } })
    expect(config.admin.token).toBe(SECRET)
  })

  it('does not tell what a check sends, nor claims that one sends something', () => {
    const config = accepted(`${MINIMAL}    probe: { type: tcp, send: "AUTH ${SECRET}", receive: OK }\n`)
    const shown = redact(config)
    expect(JSON.stringify(shown)).not.toContain(SECRET)
    expect(shown.pools.shop?.probe).toEqual({ ...config.pools.shop?.probe, send: '[redacted]' })
    const silent = accepted(`${MINIMAL}    probe: { type: tcp, receive: OK }\n`)
    expect(redact(silent)).toEqual(silent)
  })

  it('does not claim a token where there is none', () => {
    const config = accepted(MINIMAL)
    expect(redact(config)).toEqual(config)
  })

  it('has no credentials in the arguments of hooks, and no webhook', () => {
    const written = configSchema.parse({
      listeners: {},
      pools: { p: { upstreams: [], hooks: { fence: ['x', `--db=postgres://me:${SECRET}@h/db`] } } },
      alerts: [{ url: `https://x/${SECRET}`, on: ['failover'] }],
    })
    const shown = redact(resolve(written))
    expect(JSON.stringify(shown)).not.toContain(SECRET)
    expect(shown.pools.p?.hooks?.fence).toEqual(['x', '--db=postgres://[redacted]@h/db'])
  })
})
