/** What an upstream is told of a client's verified certificate: RFC 9440, and its subject for those who only want a name. */
import type { ClientCertificate } from '../wire/arrival.ts'

/** Field lines; the fields of these names that came from the client itself are dropped. */
export function identityLines({ der, subject }: ClientCertificate): string {
  // Names may hold any character; a field value may not, and what is outside ASCII would be read differently everywhere.
  const plain = subject.replace(/[^\x20-\x7e]/g, '?').trim()
  return `Client-Cert: :${der.toString('base64')}:\r\nUnderstudy-Client-Subject: ${plain}\r\n`
}
