/** What the rest of the proxy hears of a client's certificate. */
import type { X509Certificate } from 'node:crypto'
import type { ClientCertificate } from './arrival.ts'

/** Of a certificate that was verified. */
export const clientCertificate = ({ subject, raw }: X509Certificate): ClientCertificate => ({
  subject: oneLine(subject),
  der: raw,
})

/**
 * From the lines that Node makes of a subject to RFC 4514: last part first (§2.1), `,` between parts and `+` within one.
 * Special characters are escaped already. Beyond ASCII by its bytes (§2.4), so that header fields can carry it.
 */
export function oneLine(subject: string | undefined): string {
  const line = (subject ?? '').split('\n').reverse().join(',').replaceAll(' + ', '+')
  return line.replaceAll(/[^\x20-\x7e]/gu, (character) =>
    Array.from(Buffer.from(character), (byte) => `\\${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}
