/** Which certificate a client sees, and whose certificates are believed. */
import { describe, expect, it } from 'vitest'
import { ServerTls } from '../../../src/wire/server-tls.ts'
import { TestAuthority } from '../../support/test-authority.ts'
import { ca, main, only, open, plain, renewed, shop, VERSIONS } from './support/tls-setting.ts'

describe('the certificate shown', () => {
  it.each([
    ['main.test', 'DNS:main.test', 'main.test'],
    ['shop.test', 'DNS:shop.test, DNS:*.shop.test', 'shop.test'],
    ['WWW.Shop.test', 'DNS:shop.test, DNS:*.shop.test', 'www.shop.test'],
    ['unknown.example', 'DNS:main.test', 'unknown.example'],
    [undefined, 'DNS:main.test', ''],
  ])('to a client that asks for %s is the one for %s', async (name, shown, serverName) => {
    const door = await open({ certificates: [main, shop] })
    const options = { rejectUnauthorized: false, ...(name === undefined ? {} : { servername: name }) }
    for (const [index, version] of VERSIONS.entries()) {
      const client = await door.connect({ ...options, ...only(version) }).connected()
      expect(client.shown).toBe(shown)
      expect(await door.secured(index)).toMatchObject({ serverName, certificate: null })
    }
  })

  it('changes with a replacement, and connections that are open stay', async () => {
    const door = await open()
    const before = await door.connect({ ca, servername: 'main.test' }).connected()
    const { socket } = await door.secured()
    door.tls.replace({ ...plain, certificates: [renewed] })
    const after = await door.connect({ ca, servername: 'renewed.test' }).connected()
    expect(after.shown).toContain('renewed.test')
    expect(before.shown).not.toContain('renewed.test')
    socket.end('still here')
    await before.gone()
    expect(before).toMatchObject({ text: 'still here', error: '' })
  })

  it('is the old one for a handshake that was under way', async () => {
    const door = await open({ minVersion: 'TLSv1.3' }, (_, handshake) => {
      handshake()
      if (door.accepted.length === 1) door.tls.replace({ ...plain, certificates: [renewed] })
    })
    const client = await door.connect({ ca, servername: 'main.test' }).connected()
    expect(client.shown).toBe('DNS:main.test')
    expect((await door.connect({ ca, servername: 'main.test' }).connected()).shown).toContain('renewed.test')
  })

  it('stays when its replacement cannot be used', async () => {
    const door = await open()
    const wrong = { ...plain, certificates: [{ cert: shop.cert, key: main.key }] as const }
    expect(() => door.tls.replace(wrong)).toThrow('certificates[0].key does not belong to the certificate')
    expect(() => door.tls.replace({ ...plain, clients: { ca: 'none', mode: 'require' } })).toThrow(
      /clients\.ca holds no/,
    )
    expect((await door.connect({ ca, servername: 'main.test' }).connected()).shown).toBe('DNS:main.test')
  })

  it('has to fit its key from the start', () => {
    const certificates = [main, { cert: main.cert, key: shop.key }] as const
    expect(() => new ServerTls({ ...plain, certificates })).toThrow('certificates[1].key does not belong')
  })
})

describe.each(VERSIONS)('certificates of clients, with %s', (version) => {
  const clientsCa = new TestAuthority('Clients')
  const subject = [['O', 'Example'] as const, ['CN', 'anna'] as const]
  const anna = clientsCa.issue({ usage: 'client', subject })
  const stranger = new TestAuthority('Clients').issue({ usage: 'client', subject })
  const expired = clientsCa.issue({ usage: 'client', from: new Date(2020, 1), to: new Date(2021, 1) })
  const forServers = clientsCa.issue({ usage: 'server', subject })
  const asMain = { ca, servername: 'main.test', ...only(version) }
  const clients = (mode: 'ask' | 'require') => ({ clients: { ca: clientsCa.cert, mode } })

  it.each(['ask', 'require'] as const)('are handed over when they verify (%s)', async (mode) => {
    const door = await open({ ...clients(mode), certificates: [main, shop] })
    for (const [index, servername] of ['main.test', 'shop.test'].entries()) {
      await door.connect({ ...asMain, servername, ...anna }).connected()
      const { certificate } = await door.secured(index)
      expect(certificate?.subject).toBe('CN=anna,O=Example')
      expect(certificate?.der).toEqual(Buffer.from(anna.cert.replaceAll(/-----.*-----|\n/g, ''), 'base64'))
    }
  })

  it.each(['ask', 'require'] as const)('are refused when they do not verify (%s)', async (mode) => {
    const door = await open(clients(mode))
    const wrong = [
      [stranger, /refused: (UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_SIGNATURE_FAILURE)$/],
      [expired, /refused: CERT_HAS_EXPIRED$/],
      [forServers, /refused: INVALID_PURPOSE$/],
    ] as const
    for (const [index, [identity, text]] of wrong.entries()) {
      const client = door.connect({ ...asMain, ...identity })
      expect(await door.failure(index)).toMatch(text)
      await client.gone()
      expect(door.accepted[index]?.destroyed).toBe(true)
    }
  })

  it('may be missing when only asked for', async () => {
    const door = await open(clients('ask'))
    await door.connect(asMain).connected()
    expect(await door.secured()).toMatchObject({ certificate: null })
  })

  it('may not be missing when required, and the client is told', async () => {
    const door = await open(clients('require'))
    const client = door.connect(asMain)
    expect(await door.failure()).toBe('the TLS handshake failed: peer did not return a certificate')
    expect(await client.gone()).toMatch(/ALERT/)
  })

  it('are not looked at unless asked for', async () => {
    const door = await open()
    await door.connect({ ...asMain, ...stranger }).connected()
    expect(await door.secured()).toMatchObject({ certificate: null })
  })

  it('are verified every time: no session is resumed', async () => {
    const door = await open(clients('require'))
    const first = await door.connect({ ...asMain, ...anna }).connected()
    const { socket } = await door.secured()
    // What tickets there are come before this.
    socket.write('ready')
    await first.signal.until(() => first.text === 'ready', 'the first bytes')
    const session = first.session ?? first.socket.getSession()
    const again = await door.connect({ ...asMain, ...anna, ...(session ? { session } : {}) }).connected()
    expect(again.socket.isSessionReused()).toBe(false)
    expect((await door.secured(1)).certificate?.subject).toBe('CN=anna,O=Example')
  })

  it('are asked for once a replacement says so, of clients with a session too', async () => {
    const door = await open()
    const session = await (await door.connect(asMain).connected()).ticket()
    door.tls.replace({ ...plain, ...clients('require') })
    const client = door.connect({ ...asMain, session })
    expect(await door.failure(1)).toBe('the TLS handshake failed: peer did not return a certificate')
    await client.gone()
  })
})
