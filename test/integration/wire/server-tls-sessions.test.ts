/** Sessions that clients resume instead of a full handshake: with Node's client, and OpenSSL's where it is installed. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { hasOpenssl, OPENSSL } from '../../support/openssl.ts'
import type { TlsDoor } from './support/tls-door.ts'
import { ca, main, only, open, plain, renewed, shop, VERSIONS } from './support/tls-setting.ts'

describe.each(VERSIONS)('with %s, a handshake', (version) => {
  const asMain = { ca, servername: 'main.test', ...only(version) }

  it('need not be repeated in full by a client that returns, even after a replacement', async () => {
    const door = await open()
    const session = await (await door.connect(asMain).connected()).ticket()
    const again = await door.connect({ ...asMain, session }).connected()
    expect(again.socket.isSessionReused()).toBe(true)
    door.tls.replace({ ...plain, certificates: [renewed, shop] })
    const later = await door.connect({ ...asMain, session }).connected()
    expect(later.socket.isSessionReused()).toBe(true)
    expect(await door.secured(2)).toMatchObject({ serverName: 'main.test', protocol: '' })
  })

  it('need not be repeated in full with a certificate chosen by name', async () => {
    const door = await open({ certificates: [main, shop] })
    const options = { ca, servername: 'www.shop.test', ...only(version) }
    const first = await door.connect(options).connected()
    expect(first.shown).toContain('shop.test')
    const session = await first.ticket()
    const again = await door.connect({ ...options, session }).connected()
    expect(again.socket.isSessionReused()).toBe(true)
    door.tls.replace({ ...plain, certificates: [renewed, shop] })
    const later = await door.connect({ ...options, session }).connected()
    expect(later.socket.isSessionReused()).toBe(true)
    expect(await door.secured(2)).toMatchObject({ serverName: 'www.shop.test' })
  })

  it('takes a session of another server for none', async () => {
    const [door, stranger] = [await open(), await open()]
    const session = await (await stranger.connect(asMain).connected()).ticket()
    const client = await door.connect({ ...asMain, session }).connected()
    expect(client.socket.isSessionReused()).toBe(false)
  })
})

/** What `openssl s_client` says to a server that ends each connection at once. */
async function openssl(door: TlsDoor, ...options: string[]): Promise<string> {
  const common = ['s_client', '-connect', `127.0.0.1:${door.port}`, '-servername', 'www.shop.test', '-ign_eof']
  return (await promisify(execFile)(OPENSSL, [...common, ...options], { timeout: 10_000 })).stdout
}

/** A door whose server has nothing to say. */
async function openAndEnd(): Promise<TlsDoor> {
  const door = await open({ certificates: [main, shop] })
  door.onSecured = ({ socket }) => socket.resume().end()
  return door
}

describe.skipIf(!hasOpenssl)('the client of OpenSSL', () => {
  const folder = mkdtempSync(join(tmpdir(), 'understudy-tls-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('resumes its session at every reconnect', async () => {
    const door = await openAndEnd()
    const output = await openssl(door, '-tls1_2', '-reconnect')
    expect(output.match(/^(New|Reused), TLSv1\.2/gm)).toEqual(['New, TLSv1.2', ...Array(5).fill('Reused, TLSv1.2')])
    expect(door.results).toEqual(Array(6).fill(expect.objectContaining({ serverName: 'www.shop.test' })))
  })

  it.each(['-tls1_2', '-tls1_3'])(
    'resumes a session that it has kept, after a replacement too (%s)',
    async (version) => {
      const door = await openAndEnd()
      const kept = join(folder, `session${version}`)
      expect(await openssl(door, version, '-sess_out', kept)).toMatch(/^New, TLSv1/m)
      expect(await openssl(door, version, '-sess_in', kept)).toMatch(/^Reused, TLSv1/m)
      door.tls.replace({ ...plain, certificates: [renewed, shop] })
      expect(await openssl(door, version, '-sess_in', kept)).toMatch(/^Reused, TLSv1/m)
    },
  )
})
