/** Certificates that change on disk, seen by clients. */
import { once } from 'node:events'
import { renameSync, symlinkSync, unlinkSync, utimesSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import tls from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CertificateFolder, INTERVAL } from '../../support/certificate-folder.ts'
import { type Issued, TestAuthority } from '../../support/test-authority.ts'

const authority = new TestAuthority('Test CA')
const first = authority.issue({ names: ['first.test'] })
const second = authority.issue({ names: ['second.test'] })
const third = authority.issue({ names: ['third.test'] })

let folder: CertificateFolder
let sockets: net.Socket[]

beforeEach(() => {
  folder = new CertificateFolder()
  sockets = []
})

afterEach(() => {
  for (const socket of sockets) socket.destroy()
  folder.remove()
})

/** A handshake with whatever certificates are in use now. */
async function connect(serverName: string, identity: Partial<Issued> = {}): Promise<tls.TLSSocket> {
  const server = net.createServer({ pauseOnConnect: true }, (socket) => {
    server.close()
    sockets.push(socket)
    folder.current?.tls.handshake(socket, (result) => {
      if (result instanceof Error) return
      result.socket.write('hello')
      result.socket.pipe(result.socket)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as net.AddressInfo
  const client = tls.connect({
    port,
    host: '127.0.0.1',
    servername: serverName,
    rejectUnauthorized: false,
    ...identity,
  })
  sockets.push(client)
  // With TLS 1.3 only the first bytes tell that the server is content.
  await new Promise((resolve, reject) => client.once('data', resolve).once('error', reject).once('close', reject))
  return client
}

const namesOf = (client: tls.TLSSocket): string | undefined => client.getPeerX509Certificate()?.subjectAltName
const shown = async (serverName = ''): Promise<string | undefined> => namesOf(await connect(serverName))

describe('certificates', () => {
  it('come from their files, each for its names', async () => {
    folder.write(first)
    folder.write(second, 'more')
    folder.load({ files: [folder.pair(), folder.pair('more')] })
    expect(await shown('first.test')).toBe('DNS:first.test')
    expect(await shown('second.test')).toBe('DNS:second.test')
    expect(folder.problems).toEqual([])
  })

  it('are replaced when their files change, and connections that are open stay', async () => {
    folder.write(first)
    folder.load()
    const open = await connect('')
    folder.write(second)
    expect(await shown()).toBe('DNS:first.test')
    await folder.clock.pass(INTERVAL)
    expect(await shown()).toBe('DNS:second.test')
    open.write('still here')
    expect(String(await once(open, 'data'))).toBe('still here')
    expect(namesOf(open)).toBe('DNS:first.test')
    expect(folder.problems).toEqual([])
  })

  it('are replaced when a symlink leads elsewhere, as certbot and Kubernetes do it', async () => {
    folder.write(first, 'one')
    folder.write(second, 'two')
    symlinkSync('one', folder.at('current'))
    // Also two links deep, and with the same times and sizes on both sides.
    for (const name of ['cert.pem', 'key.pem']) symlinkSync(join('current', name), folder.at(name))
    for (const into of ['one', 'two']) {
      for (const path of [folder.pair(into).cert, folder.pair(into).key]) utimesSync(path, 1, 1)
    }
    folder.load()
    symlinkSync('two', folder.at('next'))
    renameSync(folder.at('next'), folder.at('current'))
    await folder.clock.pass(INTERVAL)
    expect(await shown()).toBe('DNS:second.test')
    expect(folder.problems).toEqual([])
  })

  it('stay without a word while new files are half written, and are replaced once those are complete', async () => {
    folder.write(first)
    folder.load()
    folder.put(folder.pair().cert, second.cert)
    await folder.clock.pass(INTERVAL)
    expect(await shown()).toBe('DNS:first.test')
    folder.put(folder.pair().key, second.key)
    await folder.clock.pass(INTERVAL)
    expect(await shown()).toBe('DNS:second.test')
    folder.put(folder.pair().cert, third.cert.slice(0, 300))
    folder.put(folder.pair().key, third.key.slice(0, 100))
    await folder.clock.pass(INTERVAL)
    expect(await shown()).toBe('DNS:second.test')
    folder.write(third)
    await folder.clock.pass(INTERVAL)
    expect(await shown()).toBe('DNS:third.test')
    expect(folder.problems).toEqual([])
  })

  it('are tried once more after a failure without another change', async () => {
    folder.write(first)
    folder.load()
    folder.write(second)
    const served = folder.current?.tls
    if (!served) throw new Error('not loaded')
    const { replace } = served
    let tries = 0
    served.replace = (settings) => {
      if (++tries === 1) throw new Error('a half written file')
      replace.call(served, settings)
    }
    await folder.clock.pass(INTERVAL)
    expect(await shown()).toBe('DNS:first.test')
    await folder.clock.pass(INTERVAL)
    await folder.clock.pass(INTERVAL)
    expect(tries).toBe(2)
    expect(await shown()).toBe('DNS:second.test')
    expect(folder.problems).toEqual([])
  })

  it('stay when the new ones are bad, which is reported once for each problem', async () => {
    folder.write(first)
    folder.load()
    folder.put(folder.pair().cert, second.cert)
    for (let round = 0; round < 4; round++) await folder.clock.pass(INTERVAL)
    const mismatch = `tls.key of listener web (${folder.pair().key}) does not belong to the certificate. The certificates in use stay.`
    expect(folder.problems).toEqual([mismatch])
    expect(await shown()).toBe('DNS:first.test')

    // The same again with another file, and then something else.
    folder.put(folder.pair().cert, third.cert)
    for (let round = 0; round < 4; round++) await folder.clock.pass(INTERVAL)
    expect(folder.problems).toEqual([mismatch])
    unlinkSync(folder.pair().key)
    for (let round = 0; round < 4; round++) await folder.clock.pass(INTERVAL)
    expect(folder.problems).toEqual([
      mismatch,
      expect.stringMatching(/^tls\.key of listener web cannot be read: ENOENT.* stay\.$/),
    ])

    // Solved, and then the first problem again.
    folder.write(third)
    await folder.clock.pass(INTERVAL)
    expect(await shown()).toBe('DNS:third.test')
    folder.put(folder.pair().cert, second.cert)
    for (let round = 0; round < 4; round++) await folder.clock.pass(INTERVAL)
    expect(folder.problems).toHaveLength(3)
    expect(folder.problems[2]).toBe(mismatch)
  })

  it('follow the authorities of their clients too', async () => {
    const [before, after] = [new TestAuthority('Before'), new TestAuthority('After')]
    const [anna, bert] = [before.issue({ usage: 'client' }), after.issue({ usage: 'client' })]
    folder.write(first)
    folder.put(folder.at('clients.pem'), before.cert)
    folder.load({ clients: { ca: folder.at('clients.pem'), mode: 'require' } })
    expect(namesOf(await connect('', anna))).toBe('DNS:first.test')
    folder.put(folder.at('clients.pem'), after.cert)
    await folder.clock.pass(INTERVAL)
    expect(namesOf(await connect('', bert))).toBe('DNS:first.test')
    await expect(connect('', anna)).rejects.toBeDefined()
  })

  it('are no longer looked after once it is stopped, even in the middle of a look', async () => {
    folder.write(first)
    const certificates = folder.load()
    folder.write(second)
    const over = folder.clock.pass(INTERVAL)
    certificates.stop()
    await over
    expect(await shown()).toBe('DNS:first.test')
    await folder.clock.pass(INTERVAL)
    expect(await shown()).toBe('DNS:first.test')
    expect(folder.clock.scheduled).toBe(0)
    expect(folder.problems).toEqual([])
  })

  it('that are bad are no problem any more once it is stopped', async () => {
    folder.write(first)
    const certificates = folder.load()
    unlinkSync(folder.pair().key)
    await folder.clock.pass(INTERVAL)
    const over = folder.clock.pass(INTERVAL)
    certificates.stop()
    await over
    expect(folder.problems).toEqual([])
  })
})
