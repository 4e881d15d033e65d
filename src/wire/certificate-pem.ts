/** Looks at PEM texts before they are used, so that what is wrong with them is said in words and not in those of OpenSSL. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import tls from 'node:tls'

/** PEM texts: the chain with the server's own certificate first, and its private key. */
export type CertificatePem = Readonly<{ cert: string; key: string }>

/** Which text: of the certificate with this index, or the authorities for clients. */
export type PemPart = Readonly<{ part: 'cert' | 'key'; index: number }> | Readonly<{ part: 'clientCa' }>

export class UnusableCertificate extends Error {
  readonly where: PemPart
  /** What is wrong, to follow the name of the text. */
  readonly problem: string

  constructor(where: PemPart, problem: string) {
    super(`${nameOf(where)} ${problem}`)
    this.name = 'UnusableCertificate'
    this.where = where
    this.problem = problem
  }
}

const nameOf = (where: PemPart): string =>
  where.part === 'clientCa' ? 'clients.ca' : `certificates[${where.index}].${where.part}`

/** Gives the server's own certificate; throws an UnusableCertificate. */
export function checkPair({ cert, key }: CertificatePem, index: number): X509Certificate {
  const own = parseCertificates(cert, { part: 'cert', index })[0]
  const refuseKey = (problem: string): never => {
    throw new UnusableCertificate({ part: 'key', index }, problem)
  }
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(key)) {
    return refuseKey('is encrypted with a passphrase')
  }
  if (!/^-----BEGIN [A-Z ]*PRIVATE KEY-----/m.test(key)) return refuseKey('holds no private key in PEM form')
  if (!belongs(own, key, refuseKey)) return refuseKey('does not belong to the certificate')
  return own
}

/** Throws an UnusableCertificate: OpenSSL would take an empty list without a word, and then refuse every client. */
export function checkClientCa(ca: string): void {
  parseCertificates(ca, { part: 'clientCa' })
}

/** What remains for OpenSSL to refuse: keys that are too short, signatures with MD5. */
export function checkedContext(options: tls.SecureContextOptions, index: number): tls.SecureContext {
  try {
    return tls.createSecureContext(options)
  } catch (error) {
    throw new UnusableCertificate({ part: 'cert', index }, `is refused: ${reasonOf(error)}`)
  }
}

function parseCertificates(pem: string, where: PemPart): [X509Certificate, ...X509Certificate[]] {
  const blocks = pem.match(/^-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/gm) ?? []
  const begun = pem.match(/^-----BEGIN CERTIFICATE-----/gm) ?? []
  const refuse = (problem: string): never => {
    throw new UnusableCertificate(where, problem)
  }
  // A file that is only half written ends within a block, and OpenSSL would make do with the blocks before it.
  if (begun.length > blocks.length) return refuse('is cut off within a certificate')
  const [first, ...rest] = blocks.map((block) => parse(block, refuse))
  return first ? [first, ...rest] : refuse('holds no certificate in PEM form')
}

function parse(block: string, refuse: (problem: string) => never): X509Certificate {
  try {
    return new X509Certificate(block)
  } catch (error) {
    return refuse(`holds a certificate that cannot be parsed: ${reasonOf(error)}`)
  }
}

function belongs(own: X509Certificate, key: string, refuse: (problem: string) => never): boolean {
  try {
    return own.checkPrivateKey(createPrivateKey(key))
  } catch (error) {
    return refuse(`holds a private key that cannot be parsed: ${reasonOf(error)}`)
  }
}

/** OpenSSL's messages carry codes and source lines; its reason is what a person can use. */
export function reasonOf(error: unknown): string {
  const { reason, message } = error as { reason?: unknown; message?: unknown }
  if (typeof reason === 'string') return reason
  return typeof message === 'string' ? message : String(error)
}
