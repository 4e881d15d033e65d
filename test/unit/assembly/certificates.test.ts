import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CertificatesOptions } from '../../../src/assembly/certificates.ts'
import { StartError } from '../../../src/assembly/start-error.ts'
import { CertificateFolder, INTERVAL } from '../../support/certificate-folder.ts'
import { TestAuthority } from '../../support/test-authority.ts'

const DAY = 86_400_000
const authority = new TestAuthority('Test CA')
const first = authority.issue({ names: ['first.test'] })
const second = authority.issue({ names: ['second.test'] })

let folder: CertificateFolder

beforeEach(() => {
  folder = new CertificateFolder()
})

afterEach(() => folder.remove())

function startError(options: Partial<CertificatesOptions> = {}): StartError {
  try {
    folder.load(options)
  } catch (error) {
    if (error instanceof StartError) return error
    throw error
  }
  throw new Error('it started')
}

describe('at the start, certificates', () => {
  it('need their files', () => {
    const error = startError()
    expect(error.message).toMatch(/^tls\.cert of listener web cannot be read: ENOENT.*cert\.pem/)
    expect(error.hint).toMatch(/Check the path/)
  })

  it('need the files of their clients too', () => {
    folder.write(first)
    const error = startError({ clients: { ca: folder.at('clients.pem'), mode: 'ask' } })
    expect(error.message).toMatch(/^tls\.clients\.ca of listener web cannot be read: ENOENT.*clients\.pem/)
  })

  it('need their own key', () => {
    folder.write(first)
    folder.write({ cert: second.cert, key: first.key }, 'more')
    const error = startError({ files: [folder.pair(), folder.pair('more')] })
    expect(error.message).toBe(
      `tls.certificates[0].key of listener web (${folder.pair('more').key}) does not belong to the certificate`,
    )
    expect(error.hint).toMatch(/without a passphrase, of the certificate that comes first in the file beside it/)
  })

  it('need to be certificates', () => {
    folder.write({ cert: 'none', key: first.key })
    const error = startError()
    expect(error.message).toBe(`tls.cert of listener web (${folder.pair().cert}) holds no certificate in PEM form`)
    expect(error.hint).toMatch(/the certificate of the server first/)
  })

  it('need authorities where clients have to show theirs', () => {
    folder.write(first)
    folder.put(folder.at('clients.pem'), '')
    const error = startError({ clients: { ca: folder.at('clients.pem'), mode: 'require' } })
    expect(error.message).toBe(
      `tls.clients.ca of listener web (${folder.at('clients.pem')}) holds no certificate in PEM form`,
    )
    expect(error.hint).toMatch(/authorities/)
  })

  it('may have expired, which is reported', async () => {
    folder.write(authority.issue({ names: ['old.test'], from: new Date(2020, 0), to: new Date(Date.UTC(2021, 4, 3)) }))
    folder.load()
    expect(folder.problems).toEqual([
      `tls.cert of listener web (${folder.pair().cert}) expired at 2021-05-03T00:00:00.000Z.`,
    ])
    await folder.clock.pass(INTERVAL)
    expect(folder.problems).toHaveLength(1)
  })

  it('may not be valid yet, which is reported', () => {
    const from = new Date(Math.floor(Date.now() / 1_000) * 1_000 + DAY)
    folder.write(authority.issue({ from, to: new Date(Date.now() + 2 * DAY) }))
    folder.load()
    expect(folder.problems).toEqual([
      `tls.cert of listener web (${folder.pair().cert}) is not valid before ${from.toISOString()}.`,
    ])
  })
})

describe('while they are in use, certificates', () => {
  it('are left alone when nothing changes', async () => {
    folder.write(first)
    const { tls: served } = folder.load()
    let replaced = 0
    served.replace = () => void replaced++
    await folder.clock.pass(INTERVAL)
    await folder.clock.pass(INTERVAL)
    expect(replaced).toBe(0)
    folder.write(second)
    await folder.clock.pass(INTERVAL)
    expect(replaced).toBe(1)
  })

  it('are reported once when they expire, and again after a replacement that has expired too', async () => {
    const to = new Date(Math.floor(Date.now() / 1_000) * 1_000 + DAY)
    folder.write(authority.issue({ to }))
    folder.load()
    await folder.clock.pass(DAY - 2 * INTERVAL)
    expect(folder.problems).toEqual([])
    await folder.clock.pass(3 * INTERVAL)
    await folder.clock.pass(INTERVAL)
    const expired = `tls.cert of listener web (${folder.pair().cert}) expired at ${to.toISOString()}.`
    expect(folder.problems).toEqual([expired])
    const earlier = new Date(to.getTime() - 5_000)
    folder.write(authority.issue({ to: earlier }))
    await folder.clock.pass(INTERVAL)
    expect(folder.problems).toEqual([expired, expired.replace(to.toISOString(), earlier.toISOString())])
    folder.write(authority.issue({ to }))
    await folder.clock.pass(INTERVAL)
    expect(folder.problems[2]).toBe(expired)
  })

  it('that cannot be used are tried twice, and then not before the next change', async () => {
    folder.write(first)
    const { tls: served } = folder.load()
    let tries = 0
    served.replace = () => {
      tries++
      throw new Error('no')
    }
    for (const expected of [2, 4]) {
      folder.write(second)
      // Two at once: the second time comes before the look of the first is over.
      for (const times of [1, 2, 1, 1]) await folder.clock.pass(times * INTERVAL)
      expect(tries).toBe(expected)
      expect(folder.problems).toEqual(['no. The certificates in use stay.'])
    }
  })
})
