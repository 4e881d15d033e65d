import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { epoch } from '../../../src/core/epoch.ts'
import { newPool, type PoolState, type Restored } from '../../../src/core/pool.ts'
import { ms } from '../../../src/core/time.ts'
import { newUpstream } from '../../../src/core/upstream.ts'
import { StateStore } from '../../../src/runtime/state-store.ts'
import { blue, green } from '../../support/simulated-pool.ts'

const now = ms(Date.UTC(2026, 0, 2, 3, 4, 5))
const upstreams = [newUpstream(blue, 'primary', 0, now), newUpstream(green, 'standby', 1, now)] as const
const initial = newPool('shop', upstreams, null, now)
const RESTORED: Restored = {
  active: green,
  last: null,
  resume: null,
  epoch: epoch(7),
  pinned: true,
  paused: true,
  admin: new Map([[blue, 'draining']]),
}
const onGreen = newPool('shop', upstreams, RESTORED, now)

let root: string
let dir: string
let problems: string[]

let stores: StateStore[]

function newStore(): StateStore {
  const store = new StateStore({ dir, report: (problem) => problems.push(problem) })
  stores.push(store)
  return store
}

const stored = () => JSON.parse(readFileSync(join(dir, 'shop.json'), 'utf8'))

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'understudy-state-'))
  dir = join(root, 'state')
  problems = []
  stores = []
})

afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()))
  rmSync(root, { recursive: true, force: true })
})

describe('the last decision', () => {
  it('comes back as it was saved', async () => {
    const store = newStore()
    store.save(onGreen)
    expect(newStore().load('shop')).toEqual(RESTORED)
    await store.close()
    expect(problems).toEqual([])
  })

  it('is nothing at the first start', () => {
    expect(newStore().load('shop')).toBeNull()
    expect(problems).toEqual([])
  })

  it('can be read by people', () => {
    newStore().save(onGreen)
    expect(stored()).toEqual({
      version: 1,
      pool: 'shop',
      active: 'green',
      epoch: 7,
      pinned: true,
      automation: 'paused',
      last: null,
      resume: null,
      admin: { blue: 'draining' },
      reason: 'the last decision before the restart',
      at: '2026-01-02T03:04:05.000Z',
    })
  })

  it('may be that nobody is active', () => {
    const nobody = { phase: 'unavailable', since: now, notBefore: now, resume: null } as const
    const unavailable: PoolState = { ...initial, ...nobody, epoch: epoch(3) }
    const store = newStore()
    store.save(unavailable)
    expect(store.load('shop')).toMatchObject({ active: null, epoch: 3 })
  })

  it('names nobody as active once a switch has cut the old one off, and who is to follow', () => {
    const at = {
      from: blue,
      last: blue,
      to: green,
      cause: 'failover',
      pinned: false,
      reason: '',
      by: '',
      unfit: null,
    } as const
    const halfway = { ...at, phase: 'switching', since: now, deadline: now, activeSince: now } as const
    const store = newStore()
    store.save({ ...initial, ...halfway, step: 'drain' })
    expect(store.load('shop')).toMatchObject({ active: blue, last: null, resume: null })
    store.save({ ...initial, ...halfway, step: 'fence' })
    expect(store.load('shop')).toMatchObject({ active: null, last: blue, resume: green })
  })

  it('is complete on disk as soon as it is saved, the latest one, with nothing beside it', async () => {
    const store = newStore()
    for (let number = 1; number <= 50; number++) {
      store.save({ ...initial, epoch: epoch(number) })
      expect(stored().epoch).toBe(number)
    }
    await store.close()
    expect(readdirSync(dir)).toEqual(['shop.json'])
  })

  it('is nobody else’s business', () => {
    newStore().save(initial)
    expect(statSync(dir).mode & 0o777).toBe(0o700)
    expect(statSync(join(dir, 'shop.json')).mode & 0o777).toBe(0o600)
  })
})

describe('a file that is not what it should be', () => {
  const damaged = (text: string) => {
    const store = newStore()
    writeFileSync(join(dir, 'shop.json'), text)
    return store.load('shop')
  }
  const good = {
    version: 1,
    pool: 'shop',
    active: 'green',
    epoch: 7,
    pinned: false,
    automation: 'on',
    last: null,
    resume: null,
    admin: {},
    reason: '',
    at: '',
  }
  const changed = (change: object) => JSON.stringify({ ...good, ...change })

  it('is sound without a change, so that the cases below fail for their own reason', () => {
    expect(damaged(changed({}))).toMatchObject({ active: green, epoch: 7 })
    expect(problems).toEqual([])
  })

  it.each([
    ['empty', ''],
    ['null', 'null'],
    ['not an object', '7'],
    ['without a legible epoch', changed({ epoch: '7' })],
    ['with an epoch below one', changed({ epoch: 0 })],
    ['with a broken epoch', changed({ epoch: 1.5 })],
  ])('is set aside and reported, with its epoch lost: %s', (_name, text) => {
    expect(damaged(text)).toBeNull()
    expect(problems[0]).toContain('Its epoch is lost and starts again at 1.')
    expect(readFileSync(join(dir, 'shop.json.damaged-1'), 'utf8')).toBe(text)
    expect(readdirSync(dir)).toEqual(['shop.json.damaged-1'])
  })

  it.each([
    ['cut off', changed({}).slice(0, -10)],
    ['of another version', changed({ version: 2 })],
    ['of another pool', changed({ pool: 'blog' })],
    ['with an active of the wrong type', changed({ active: 5 })],
    ['with an empty active', changed({ active: '' })],
    ['with a last that is no name', changed({ last: 3 })],
    ['with an admin state that does not exist', changed({ admin: { blue: 'asleep' } })],
    ['with a pin of the wrong type', changed({ pinned: 'no' })],
    ['with an unknown automation', changed({ automation: 'off' })],
    ['without a reason', changed({ reason: null })],
  ])('is set aside, but its epoch does not go back: %s', (_name, text) => {
    expect(damaged(text)).toEqual({
      active: null,
      last: null,
      resume: null,
      epoch: 7,
      pinned: false,
      paused: false,
      admin: new Map(),
    })
    expect(problems[0]).toContain('the epoch does not go back')
    expect(problems[0]).toContain('shop.json.damaged-1')
  })

  it('never overwrites one that was set aside before', () => {
    damaged('one')
    damaged('two')
    expect(readdirSync(dir).sort()).toEqual(['shop.json.damaged-1', 'shop.json.damaged-2'])
  })

  it('that cannot be read at all is reported and left alone', () => {
    const store = newStore()
    mkdirSync(join(dir, 'shop.json'))
    expect(store.load('shop')).toBeNull()
    expect(problems[0]).toContain('The last decision of pool shop cannot be read: EISDIR')
  })
})

describe('a state directory that cannot be written', () => {
  it('is reported once, and the proxy goes on without persistence', () => {
    // A file in the place of the directory fails for root too, unlike permissions.
    writeFileSync(dir, '')
    const store = newStore()
    store.save(initial)
    store.save(onGreen)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain('would not survive a restart')
  })

  it('is used again as soon as it is there', async () => {
    const store = newStore()
    rmSync(dir, { recursive: true })
    writeFileSync(dir, '')
    store.save(initial)
    rmSync(dir)
    store.save(onGreen)
    expect(store.load('shop')?.epoch).toBe(7)
    await store.close()
    expect(problems).toEqual([expect.stringContaining('would not survive a restart')])
  })
})
