/** Listening on unix sockets, and what others leave behind there. */
import { once } from 'node:events'
import { access, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Doorway } from './support/doorway.ts'
import { client, headers, server } from './support/headers.ts'

let doorway: Doorway

const opened = async (...wanted: ConstructorParameters<typeof Doorway>): Promise<Doorway> => {
  doorway = new Doorway(...wanted)
  return doorway.open()
}

afterEach(() => doorway.close())

/** A folder for the files of unix sockets. */
export async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'understudy-'))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

describe('a unix socket', () => {
  const at = (path: string, wanted: object = {}) => opened({ listen: { kind: 'unix', path }, ...wanted })
  const exists = (path: string): Promise<boolean> =>
    access(path).then(
      () => true,
      () => false,
    )

  it('lets everybody in as one and the same client, and leaves no file behind', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'web.sock')
      doorway = new Doorway({ listen: { kind: 'unix', path }, connectionsPerAddress: 1 })
      expect(await doorway.acceptor.listen()).toEqual({ address: path, port: null })
      const visitor = await doorway.visitAt({ path })
      await doorway.visitAt({ path })
      const guest = await doorway.guest(1)
      const unix = { address: 'unix', port: 0 }
      expect(guest.arrival).toMatchObject({ client: unix, local: unix })
      await visitor.send('hello')
      await (await doorway.guest(0)).receives('hello')
      await doorway.acceptor.stopAccepting()
      expect(await exists(path)).toBe(false)
    }))

  it('tells the clients apart by their PROXY headers', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'web.sock')
      await at(path, { connectionsPerAddress: 1, proxyProtocol: 'v1', trustsProxy: (peer: string) => peer === 'unix' })
      const visitor = await doorway.visitAt({ path })
      await visitor.send(headers.v1)
      expect((await doorway.guest()).arrival).toMatchObject({ client, local: server })
      const again = await doorway.visitAt({ path })
      await again.send(headers.v1)
      await again.ends()
      await doorway.turnsAway({ address: 1 })
    }))

  it('takes the place of one that nobody answers on any more', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'web.sock')
      // What a killed server leaves behind: Node removes the file only under the name that it gave.
      const killed = net.createServer().listen(join(folder, 'killed.sock'))
      await once(killed, 'listening')
      await rename(join(folder, 'killed.sock'), path)
      killed.close()
      await once(killed, 'close')
      expect(await exists(path)).toBe(true)
      await at(path)
      const visitor = await doorway.visitAt({ path })
      await visitor.send('hello')
      await (await doorway.guest()).receives('hello')
      const error = new Error('too many open files')
      doorway.failToAccept(error)
      expect(doorway.errors).toEqual([error])
    }))

  it('never takes the place of one that is in use', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'web.sock')
      await at(path)
      const second = new Doorway({ listen: { kind: 'unix', path } })
      await expect(second.open()).rejects.toMatchObject({ code: 'EADDRINUSE' })
      second.close()
      const visitor = await doorway.visitAt({ path })
      await visitor.send('hello')
      // The first guest is the second listener, asking whether anybody answers.
      await (await doorway.guest(1)).receives('hello')
    }))

  it('never takes the place of another file, or of a link to a socket', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'web.sock')
      await writeFile(path, 'precious')
      await expect(at(path)).rejects.toMatchObject({ code: 'EADDRINUSE' })
      expect(await readFile(path, 'utf8')).toBe('precious')
      const link = join(folder, 'link.sock')
      await symlink(join(folder, 'nowhere'), link)
      await expect(at(link)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    }))

  it('cannot be made in a folder that does not exist', () =>
    inFolder((folder) => expect(at(join(folder, 'none', 'web.sock'))).rejects.toMatchObject({ syscall: 'listen' })))
})
