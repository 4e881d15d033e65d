import { mkdirSync, readdirSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { rehearse } from '../../../src/assembly/rehearsal.ts'
import type { Logger } from '../../../src/logging.ts'
import { PoolRuntime } from '../../../src/runtime/pool-runtime.ts'

const silent = () => {}

/** Rehearses; returns the warnings. */
async function rehearsed(): Promise<string[]> {
  const warnings: string[] = []
  const warn = (text: string) => void warnings.push(text)
  const log = { trace: silent, debug: silent, info: silent, warn, error: warn, fatal: warn } as Logger['log']
  const logger = { log, access: silent, pass: silent, flush: silent, close: async () => {}, writeLast: silent }
  await rehearse({ version: '0', logger })
  return warnings
}

const leftFolders = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('understudy-rehearsal'))
const openSockets = () => process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCP'))

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

describe('the rehearsal of a failover', () => {
  test('has both primaries fail, tells nobody, and leaves neither sockets nor files behind', async () => {
    const folder = join(tmpdir(), `rehearsals-${process.pid}`)
    mkdirSync(folder, { recursive: true })
    vi.stubEnv('TMPDIR', folder)
    const before = openSockets()

    expect(await rehearsed()).toEqual([])

    expect(leftFolders(folder)).toEqual([])
    await vi.waitFor(() => expect(openSockets()).toEqual(before))
  })

  test('does without a place for files', async () => {
    vi.stubEnv('TMPDIR', '/dev/null/nowhere')
    expect(await rehearsed()).toEqual([])
  })

  test('that cannot take place is no reason not to start', async () => {
    vi.spyOn(net.Server.prototype, 'listen').mockImplementation(() => {
      throw new Error('no sockets today')
    })
    expect(await rehearsed()).toEqual([expect.stringContaining('no sockets today')])
  })

  test('that does not lead to a failover says so', async () => {
    vi.spyOn(PoolRuntime.prototype, 'convicted').mockImplementation(() => {})
    expect(await rehearsed()).toEqual([expect.stringContaining('nothing failed over')])
  })
})
