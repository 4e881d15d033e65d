import { describe, expect, it } from 'vitest'
import { ApiError } from '../../../src/admin/errors.ts'
import type { Caller, Guard } from '../../../src/admin/guard.ts'
import { admit } from '../../../src/admin/guard.ts'

const OPEN: Guard = { hosts: ['admin.internal'], token: null }
const LOCKED: Guard = { hosts: [], token: '0123456789abcdef' }

function refusal(caller: Partial<Caller>, guard: Guard): string | null {
  try {
    admit({ host: 'localhost:9900', origin: undefined, authorization: undefined, path: '/', ...caller }, guard)
    return null
  } catch (error) {
    if (error instanceof ApiError) return error.code
    throw error
  }
}

describe('the Host field', () => {
  it.each(['localhost', 'LOCALHOST:9900', '127.0.0.1:9900', '10.1.2.3', '[::1]:9900', 'admin.internal:9900'])(
    'lets %s in',
    (host) => expect(refusal({ host }, OPEN)).toBeNull(),
  )

  it.each([
    'evil.example',
    'evil.example:9900',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '300.1.1.1',
    '[::1',
    '[evil]',
    'localhost:99999999',
    'user@localhost',
    'localhost/',
    '',
    undefined,
  ])('keeps DNS rebinding out: %s', (host) => expect(refusal({ host }, OPEN)).toBe('host_not_allowed'))

  it('does not take an empty configured name for a name', () => {
    expect(refusal({ host: ':9900' }, { hosts: [''], token: null })).toBe('host_not_allowed')
  })
})

describe('the Origin field', () => {
  it('may be absent, or that of the API itself', () => {
    expect(refusal({ origin: undefined }, OPEN)).toBeNull()
    expect(refusal({ origin: 'http://localhost:9900' }, OPEN)).toBeNull()
  })

  it.each(['http://evil.example', 'null', 'http://localhost:9901', 'http://localhost', ''])(
    'keeps pages of other sites out: %s',
    (origin) => expect(refusal({ origin }, OPEN)).toBe('origin_not_allowed'),
  )
})

describe('the token', () => {
  it('opens', () => expect(refusal({ authorization: 'Bearer 0123456789abcdef' }, LOCKED)).toBeNull())

  it.each([undefined, '', 'Basic 0123456789abcdef', 'Bearer', '0123456789abcdef'])(
    'is missing in %s',
    (authorization) => expect(refusal({ authorization }, LOCKED)).toBe('token_required'),
  )

  it.each(['Bearer x', 'Bearer 0123456789abcdeF', 'Bearer 0123456789abcdef0'])('is wrong in %s', (authorization) =>
    expect(refusal({ authorization }, LOCKED)).toBe('token_wrong'),
  )

  it('is not asked for by /healthz, and by nothing that looks like it', () => {
    expect(refusal({ path: '/healthz' }, LOCKED)).toBeNull()
    for (const path of ['/healthz/', '/healthz/x', '//healthz', '/HEALTHZ', '/readyz']) {
      expect(refusal({ path }, LOCKED)).toBe('token_required')
    }
  })

  it('does not replace the check of the Host', () => {
    expect(refusal({ host: 'evil.example', authorization: 'Bearer 0123456789abcdef' }, LOCKED)).toBe('host_not_allowed')
  })
})
