import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { checkClientCa, checkPair } from '../../../src/wire/certificate-pem.ts'
import { hasOpenssl, OPENSSL } from '../../support/openssl.ts'
import { TestAuthority } from '../../support/test-authority.ts'

const authority = new TestAuthority('Test CA')
const shop = authority.issue({ names: ['shop.test'] })
const other = authority.issue({ names: ['other.test'] })
const chain = shop.cert + authority.cert
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const garbage = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'

describe('a certificate and its key', () => {
  it('give the certificate of the server', () => {
    expect(checkPair({ cert: chain, key: shop.key }, 0).subjectAltName).toBe('DNS:shop.test')
  })

  it('may be in one file, in any order, with other text around and lines of Windows', () => {
    const both = `subject=CN = shop\n${shop.key}\n${chain}`.replaceAll('\n', '\r\n')
    expect(checkPair({ cert: both, key: both }, 0).subjectAltName).toBe('DNS:shop.test')
  })

  it.each([
    ['nothing', '', /cert holds no certificate in PEM form$/],
    ['a key instead', shop.key, /cert holds no certificate in PEM form$/],
    ['bytes that are no certificate', garbage, /cert holds a certificate that cannot be parsed: /],
    ['a damaged certificate in the chain', shop.cert + garbage, /cert holds a certificate that cannot be parsed: /],
    ['half a certificate', shop.cert.slice(0, 200), /cert is cut off within a certificate$/],
    ['half of the chain', chain.slice(0, -10), /cert is cut off within a certificate$/],
  ])('are refused with %s for the certificate', (_, cert, message) => {
    expect(() => checkPair({ cert, key: shop.key }, 0)).toThrow(message)
  })

  it.each([
    ['nothing', '', /key holds no private key in PEM form$/],
    ['the certificate instead', shop.cert, /key holds no private key in PEM form$/],
    ['half a key', shop.key.slice(0, 100), /key holds a private key that cannot be parsed: /],
    ['the key of another certificate', other.key, /key does not belong to the certificate$/],
    [
      'a key with a passphrase',
      privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
      /key is encrypted with a passphrase$/,
    ],
    [
      'a key with a passphrase in its old form',
      privateKey.export({ type: 'sec1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
      /key is encrypted with a passphrase$/,
    ],
  ])('are refused with %s for the key', (_, key, message) => {
    expect(() => checkPair({ cert: chain, key }, 0)).toThrow(message)
  })

  it('are refused when the authority comes before the server in the file', () => {
    expect(() => checkPair({ cert: authority.cert + shop.cert, key: shop.key }, 0)).toThrow(/does not belong/)
  })

  it('are named by their place', () => {
    expect(() => checkPair({ cert: chain, key: other.key }, 3)).toThrow(/^certificates\[3\]\.key does not/)
  })

  it('never have their key in an error', () => {
    const secret = shop.key.split('\n')[1] ?? ''
    for (const key of [shop.key.slice(0, 120), `${shop.key.slice(0, -60)}????\n-----END PRIVATE KEY-----\n`]) {
      const error = caught(() => checkPair({ cert: chain, key }, 0))
      expect(error.message).toMatch(/^certificates\[0\]\.key/)
      expect(`${error.message}${error.stack}`).not.toContain(secret)
    }
  })
})

describe('authorities for clients', () => {
  it('may be several', () => {
    expect(() => checkClientCa(authority.cert + new TestAuthority('Another').cert)).not.toThrow()
  })

  it('are refused when there is none, which OpenSSL takes without a word', () => {
    expect(() => checkClientCa('none\n')).toThrow('clients.ca holds no certificate in PEM form')
  })
})

it.skipIf(!hasOpenssl)('a key after its parameters, as openssl ecparam writes it, is found', () => {
  const parameters = execFileSync(OPENSSL, ['ecparam', '-name', 'prime256v1', '-genkey']).toString()
  expect(parameters).toContain('BEGIN EC PARAMETERS')
  expect(() => checkPair({ cert: chain, key: parameters }, 0)).toThrow(/key does not belong to the certificate$/)
})

function caught(work: () => unknown): Error {
  try {
    work()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}
