// A certificate authority for tests: issues what a test needs (names, validity, purpose), writing X.509 (RFC 5280) itself,
// because Node cannot. All keys are P-256; nothing here is a secret or worth trusting.

import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

export type Issued = Readonly<{ cert: string; key: string }>

export type IssueOptions = Readonly<{
  /** In the order of encoding. An array is one part with several attributes. */
  subject?: readonly (Attribute | readonly Attribute[])[]
  /** DNS names for subjectAltName. */
  names?: readonly string[]
  from?: Date
  to?: Date
  usage?: 'server' | 'client'
}>

type Attribute = readonly ['C' | 'O' | 'OU' | 'CN', string]

const DAY = 86_400_000
const ATTRIBUTES = { CN: '2.5.4.3', C: '2.5.4.6', O: '2.5.4.10', OU: '2.5.4.11' } as const
const USAGES = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2'

export class TestAuthority {
  readonly cert: string
  readonly #name: Buffer
  readonly #key: KeyObject

  constructor(name: string) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#name = distinguishedName([['CN', name]])
    this.#key = privateKey
    const isAuthority = extension('2.5.29.19', sequence(tlv(0x01, Buffer.from([0xff]))))
    this.cert = this.#certify(publicKey, this.#name, validity(), [isAuthority])
  }

  issue({ subject = [], names = [], from, to, usage = 'server' }: IssueOptions = {}): Issued {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const extensions = [extension('2.5.29.37', sequence(objectIdentifier(USAGES[usage])))]
    if (names.length > 0) {
      const dnsNames = names.map((name) => tlv(0x82, Buffer.from(name, 'latin1')))
      extensions.push(extension('2.5.29.17', sequence(...dnsNames)))
    }
    return {
      cert: this.#certify(publicKey, distinguishedName(subject), validity(from, to), extensions),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    }
  }

  #certify(publicKey: KeyObject, subject: Buffer, valid: Buffer, extensions: readonly Buffer[]): string {
    const algorithm = sequence(objectIdentifier(ECDSA_WITH_SHA256))
    const toBeSigned = sequence(
      tlv(0xa0, integer(Buffer.from([2]))),
      integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
      algorithm,
      this.#name,
      valid,
      subject,
      publicKey.export({ type: 'spki', format: 'der' }),
      tlv(0xa3, sequence(...extensions)),
    )
    const signature = sign('sha256', toBeSigned, this.#key)
    const whole = sequence(toBeSigned, algorithm, tlv(0x03, Buffer.concat([Buffer.from([0]), signature])))
    const lines = whole.toString('base64').match(/.{1,64}/g) ?? []
    return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
  }
}

function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content])
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...parts: readonly Buffer[]): Buffer => tlv(0x30, Buffer.concat(parts))
const integer = (bytes: Buffer): Buffer => tlv(0x02, bytes)

function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const part of rest) {
    const groups = [part & 0x7f]
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return tlv(0x06, Buffer.from(bytes))
}

function distinguishedName(parts: NonNullable<IssueOptions['subject']>): Buffer {
  const isGroup = (part: Attribute | readonly Attribute[]): part is readonly Attribute[] => Array.isArray(part[0])
  const sets = parts.map((part) => {
    const attributes = (isGroup(part) ? part : [part]).map(([type, value]) =>
      sequence(objectIdentifier(ATTRIBUTES[type]), tlv(0x0c, Buffer.from(value))),
    )
    // DER wants the members of a set in the order of their bytes.
    return tlv(0x31, Buffer.concat(attributes.sort(Buffer.compare)))
  })
  return sequence(...sets)
}

const validity = (from = new Date(Date.now() - DAY), to = new Date(Date.now() + 365 * DAY)): Buffer =>
  sequence(utcTime(from), utcTime(to))

/** Good until 2049. */
const utcTime = (date: Date): Buffer =>
  tlv(0x17, Buffer.from(`${date.toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')}Z`))

const extension = (id: string, value: Buffer): Buffer => sequence(objectIdentifier(id), tlv(0x04, value))
