import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { certificateChoice, certificateNames } from '../../../src/wire/certificate-choice.ts'

describe('the certificate for a server name', () => {
  const choose = certificateChoice([
    ['first.test'],
    ['shop.test', '*.shop.test'],
    ['api.shop.test', 'shop.test'],
    ['*.api.shop.test', '*.test'],
  ])

  it.each([
    ['first.test', 0, 'the one that carries it'],
    ['shop.test', 1, 'the first of several that carry it'],
    ['SHOP.Test', 1, 'whatever its case'],
    ['cart.shop.test', 1, 'the one with a wildcard for its first label'],
    ['api.shop.test', 2, 'the one that carries it, before a wildcard'],
    ['v1.api.shop.test', 3, 'the wildcard right above it'],
    ['other.test', 3, 'a wildcard below a short name'],
    ['a.b.shop.test', 0, 'never a wildcard for two labels'],
    ['.shop.test', 0, 'never a wildcard for no label'],
    ['*.elsewhere', 0, 'no wildcard of its own'],
    ['unknown.example', 0, 'the first when nobody knows it'],
    ['test', 0, 'the first when it is only what a wildcard is for'],
    ['', 0, 'the first when it is empty'],
    ['constructor', 0, 'the first for a name that JavaScript knows'],
  ])('%j gets certificate %i: %s', (name, index) => {
    expect(choose(name)).toBe(index)
  })

  it('never is one that carries neither the name nor its wildcard, unless it is the first', () => {
    const label = fc.constantFrom('a', 'b', 'c')
    const host = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'))
    const pattern = fc.oneof(
      host,
      host.map((name) => `*.${name}`),
    )
    fc.assert(
      fc.property(
        fc.array(fc.array(pattern, { maxLength: 4 }), { minLength: 1, maxLength: 4 }),
        host,
        (names, asked) => {
          const wildcard = `*.${asked.split('.').slice(1).join('.')}`
          const carrying = (name: string) => names.findIndex((those) => those.includes(name))
          const [exact, above] = [carrying(asked), carrying(wildcard)]
          expect(certificateChoice(names)(asked)).toBe(exact >= 0 ? exact : Math.max(above, 0))
        },
      ),
    )
  })
})

describe('the names of a certificate', () => {
  it.each([
    ['DNS:shop.test, DNS:*.shop.test', ['shop.test', '*.shop.test']],
    ['DNS:Shop.TEST', ['shop.test']],
    ['IP Address:127.0.0.1, DNS:shop.test, email:a@b.test', ['shop.test']],
    ['DNS:under_score.test', ['under_score.test']],
    ['DNS:f*.shop.test, DNS:*.*.test, DNS:a.*.test, DNS:*', []],
    ['DNS:, DNS:a..b, DNS:.a', []],
    ['DNS:"x\\u002c DNS:evil.test", DNS:shop.test', ['shop.test']],
    ['DirName:"CN=\\"a, DNS:evil.test\\"", DNS:shop.test', ['shop.test']],
    ['', []],
    [undefined, []],
  ])('in %j are %j', (subjectAltName, names) => {
    expect(certificateNames(subjectAltName)).toEqual(names)
  })
})
