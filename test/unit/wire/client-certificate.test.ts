import { X509Certificate } from 'node:crypto'
import { expect, it } from 'vitest'
import { clientCertificate, oneLine } from '../../../src/wire/client-certificate.ts'
import { type IssueOptions, TestAuthority } from '../../support/test-authority.ts'

const authority = new TestAuthority('Test CA')

it.each<[NonNullable<IssueOptions['subject']>, string]>([
  [[['CN', 'anna']], 'CN=anna'],
  [
    [
      ['C', 'DE'],
      ['O', 'Example'],
      ['CN', 'anna'],
    ],
    'CN=anna,O=Example,C=DE',
  ],
  [
    [
      [
        ['OU', 'b'],
        ['CN', 'a + b'],
      ],
      ['O', 'x'],
    ],
    'O=x,OU=b+CN=a \\+ b',
  ],
  [[['CN', 'a,b"c\\d<e>f;g']], 'CN=a\\,b\\"c\\\\d\\<e\\>f\\;g'],
  [[['CN', '# a ']], 'CN=\\# a\\ '],
  [[['CN', 'Jürgen 😀']], 'CN=J\\C3\\BCrgen \\F0\\9F\\98\\80'],
  [[['CN', 'anna\r\nO=Forged']], 'CN=anna\\0D\\0AO=Forged'],
  [[], ''],
])('the subject %j reads %j', (subject, line) => {
  const issued = new X509Certificate(authority.issue({ subject }).cert)
  expect(clientCertificate(issued)).toEqual({ subject: line, der: issued.raw })
})

it('a subject never leaves printable ASCII', () => {
  expect(oneLine('CN=a\u0007\u0080\uffff\nO=\ud83d')).toMatch(/^[\x20-\x7e]+$/)
})
