import { describe, expect, it } from 'vitest'
import { failureKindOf, unresolvedName } from '../../../src/wire/socket-failure.ts'

const coded = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code })

describe('what an error of a socket means', () => {
  it.each([
    ['refused', ['ECONNREFUSED']],
    ['unreachable', ['EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ENOENT', 'EACCES']],
    ['dns', ['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL']],
    ['reset', ['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'E_NEVER_HEARD_OF']],
    ['timeout', ['ETIMEDOUT']],
    [
      'tls',
      [
        'EPROTO',
        'ERR_TLS_CERT_ALTNAME_INVALID',
        'ERR_SSL_WRONG_VERSION_NUMBER',
        'CERT_HAS_EXPIRED',
        'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
        'DEPTH_ZERO_SELF_SIGNED_CERT',
        'SELF_SIGNED_CERT_IN_CHAIN',
      ],
    ],
  ])('is %s', (kind, codes) => {
    for (const code of codes) expect([code, failureKindOf(coded(code))]).toEqual([code, kind])
  })

  it('is never a crash of the upstream when we ourselves ran out of descriptors or memory', () => {
    for (const code of ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']) expect(failureKindOf(coded(code))).toBe('aborted')
  })

  it('is a reset when the connection closed without one, or with one that has no code', () => {
    expect(failureKindOf(null)).toBe('reset')
    expect(failureKindOf(new Error('?'))).toBe('reset')
  })

  it('is about the name when that cannot be resolved, whatever the servers of names do', () => {
    const problem = unresolvedName('app.internal', coded('ECONNREFUSED'))
    expect(failureKindOf(problem)).toBe('dns')
    expect(problem.message).toBe('app.internal cannot be resolved: ECONNREFUSED')
  })
})
