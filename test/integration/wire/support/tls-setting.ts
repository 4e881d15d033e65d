// What the tests of ServerTls have in common: certificates, and doors that are closed after each test.

import type { SecureVersion } from 'node:tls'
import { afterEach } from 'vitest'
import type { ServerTlsSettings } from '../../../../src/wire/server-tls.ts'
import { TestAuthority } from '../../../support/test-authority.ts'
import { TlsDoor } from './tls-door.ts'

const authority = new TestAuthority('Servers')
export const main = authority.issue({ names: ['main.test'] })
export const renewed = authority.issue({ names: ['main.test', 'renewed.test'] })
export const shop = authority.issue({ names: ['shop.test', '*.shop.test'] })
/** What clients of these trust. */
export const ca = authority.cert

export const plain: ServerTlsSettings = { certificates: [main], minVersion: 'TLSv1.2', clients: null, alpn: [] }
export const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
export const only = (version: SecureVersion) => ({ minVersion: version, maxVersion: version })

let doors: TlsDoor[] = []

afterEach(async () => {
  await Promise.all(doors.map((door) => door.close()))
  doors = []
})

/** Where the settings say nothing: one certificate and no more. */
export async function open(
  settings: Partial<ServerTlsSettings> = {},
  ...rest: [Parameters<typeof TlsDoor.open>[1]?, string?]
): Promise<TlsDoor> {
  const door = await TlsDoor.open({ ...plain, ...settings }, ...rest)
  doors.push(door)
  return door
}
