/**
 * Keeps each pool's last decision over a restart, one small file a pool. A decision is on disk before traffic follows
 * it. Trouble with the disk is reported and survived: without persistence the proxy still serves.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Epoch } from '../core/epoch.ts'
import { epoch } from '../core/epoch.ts'
import type { PoolState, Restored } from '../core/pool.ts'
import { activeOf } from '../core/pool.ts'
import type { AdminState, UpstreamId } from '../core/upstream.ts'
import { upstreamId } from '../core/upstream.ts'
import { isoTime } from './clock.ts'

const VERSION = 1
/** A damaged file is kept for people to look at, but not any number of them. */
const MOST_DAMAGED = 100

type StoredPool = Readonly<{
  version: typeof VERSION
  pool: string
  active: string | null
  epoch: number
  pinned: boolean
  automation: PoolState['automation']
  /** Who served before a time without any active. */
  last: string | null
  /** The new active of a switch that was under way when this was written. */
  resume: string | null
  /** What operators took out. */
  admin: Readonly<Record<string, AdminState>>
  /** The rest is for people who read the file. */
  reason: string
  at: string
}>

export type StateStoreOptions = Readonly<{
  dir: string
  /** Receives one sentence for people about each problem. */
  report(problem: string): void
}>

export class StateStore {
  private readonly dir: string
  private readonly report: (problem: string) => void
  private lastProblem = ''
  /** By file: what is being written through to the disk, and whether there is something newer. */
  private readonly syncing = new Map<string, { again: boolean; done: Promise<void> }>()

  constructor({ dir, report }: StateStoreOptions) {
    this.dir = dir
    this.report = report
    this.attempt(() => mkdirSync(dir, { recursive: true, mode: 0o700 }))
  }

  /** Null: nothing is on record. */
  load(pool: string): Restored | null {
    const path = this.path(pool)
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch (error) {
      if (!isMissing(error)) this.report(`The last decision of pool ${pool} cannot be read: ${messageOf(error)}.`)
      return null
    }
    const stored = parse(text, pool)
    if (typeof stored === 'string') return this.setAside(path, pool, { text, why: stored })
    return {
      active: idOrNull(stored.active),
      last: idOrNull(stored.last),
      resume: idOrNull(stored.resume),
      epoch: epoch(stored.epoch),
      pinned: stored.pinned,
      paused: stored.automation === 'paused',
      admin: new Map(Object.entries(stored.admin).map(([name, admin]) => [upstreamId(name), admin])),
    }
  }

  /** The file is replaced before this returns, so that a killed process loses nothing; the disk follows in its own time. */
  save(state: PoolState): void {
    const path = this.path(state.pool)
    // No pool's name begins with a dot, so no pool's file is called like this.
    const temporary = join(this.dir, `.${state.pool}.json.new`)
    this.attempt(() => {
      mkdirSync(this.dir, { recursive: true, mode: 0o700 })
      writeFileSync(temporary, `${JSON.stringify(stored(state), null, 2)}\n`, { mode: 0o600 })
      renameSync(temporary, path)
      this.sync(path)
      this.lastProblem = ''
    })
  }

  /** Resolves once everything saved so far has reached the disk, or has failed to. */
  async close(): Promise<void> {
    while (this.syncing.size > 0) await Promise.all([...this.syncing.values()].map(({ done }) => done))
  }

  private path(pool: string): string {
    return join(this.dir, `${pool}.json`)
  }

  private attempt(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.complain(error)
    }
  }

  /** A full disk would otherwise say so at every decision. */
  private complain(error: unknown): void {
    const problem = messageOf(error)
    if (problem === this.lastProblem) return
    this.lastProblem = problem
    this.report(`Decisions cannot be saved in ${this.dir} and would not survive a restart: ${problem}.`)
  }

  private sync(path: string): void {
    const running = this.syncing.get(path)
    if (running) {
      running.again = true
      return
    }
    const entry = { again: false, done: Promise.resolve() }
    this.syncing.set(path, entry)
    entry.done = this.writeThrough(path, entry)
  }

  private async writeThrough(path: string, entry: { again: boolean }): Promise<void> {
    try {
      do {
        entry.again = false
        // The directory too: a rename is lost with the power as easily as bytes are.
        for (const each of [path, this.dir]) await syncToDisk(each)
      } while (entry.again)
    } catch (error) {
      this.complain(error)
    } finally {
      this.syncing.delete(path)
    }
  }

  private setAside(path: string, pool: string, damage: Readonly<{ text: string; why: string }>): Restored | null {
    const kept = salvageEpoch(damage.text)
    const consequence =
      kept === null
        ? 'Its epoch is lost and starts again at 1.'
        : `Its epoch ${kept} was still legible, so the epoch does not go back.`
    const moved = this.moveAside(path)
    this.report(
      `The last decision of pool ${pool} is not usable (${damage.why}); ${moved}. ${consequence} ` +
        'The pool starts as configured, with automation on.',
    )
    return kept === null ? null : { ...NOTHING, epoch: kept }
  }

  private moveAside(path: string): string {
    let number = 1
    while (number < MOST_DAMAGED && existsSync(`${path}.damaged-${number}`)) number++
    const aside = `${path}.damaged-${number}`
    try {
      renameSync(path, aside)
      return `it was set aside as ${aside}`
    } catch (error) {
      return `it could not be set aside (${messageOf(error)})`
    }
  }
}

/** Something changed that a restart must bring back. */
export function mustSurvive(before: PoolState, after: PoolState): boolean {
  if (after.epoch !== before.epoch || after.automation !== before.automation || after.phase !== before.phase)
    return true
  if (after.phase === 'switching' && before.phase === 'switching' && after.step !== before.step) return true
  return after.upstreams.some(({ admin }, index) => admin !== before.upstreams[index]?.admin)
}

const idOrNull = (name: string | null): UpstreamId | null => (name === null ? null : upstreamId(name))

/** Of a damaged file. */
const NOTHING = { active: null, last: null, resume: null, pinned: false, paused: false, admin: new Map() } as const

function stored(state: PoolState): StoredPool {
  const { pool, decision, automation, upstreams } = state
  // Once the old active is cut off, its hooks may run at any moment: from then on nobody is active on record.
  const halfway = state.phase === 'switching' && state.step !== 'drain' ? state : null
  const taken = upstreams.filter(({ admin }) => admin.state !== 'enabled')
  return {
    version: VERSION,
    pool,
    active: halfway ? null : activeOf(state),
    epoch: state.epoch,
    pinned: decision.pinned,
    automation,
    last: halfway?.last ?? (state.phase === 'unavailable' ? decision.from : null),
    resume: halfway?.to ?? null,
    admin: Object.fromEntries(taken.map(({ id, admin }) => [id, admin.state])),
    reason: decision.reason,
    at: isoTime(decision.at),
  }
}

/** What is wrong with it, as text, if anything is. */
function parse(text: string, pool: string): StoredPool | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'it is not JSON'
  }
  if (typeof value !== 'object' || value === null) return 'it is not an object'
  const found = value as Readonly<Record<keyof StoredPool, unknown>>
  if (found.version !== VERSION) return `its version is ${JSON.stringify(found.version)}, not ${VERSION}`
  if (found.pool !== pool) return `it belongs to pool ${JSON.stringify(found.pool)}`
  if (!isEpoch(found.epoch)) return 'its epoch is no number from 1 up'
  if (found.active !== null && (typeof found.active !== 'string' || found.active === '')) return 'its active is no name'
  for (const key of ['last', 'resume'] as const) {
    if (found[key] !== null && typeof found[key] !== 'string') return `its ${key} is no name`
  }
  if (!isAdmin(found.admin)) return 'its admin is no list of upstreams taken out'
  if (typeof found.pinned !== 'boolean') return 'its pinned is neither true nor false'
  if (found.automation !== 'on' && found.automation !== 'paused') return 'its automation is neither on nor paused'
  if (typeof found.reason !== 'string' || typeof found.at !== 'string') return 'its reason or time is missing'
  return value as StoredPool
}

function isAdmin(value: unknown): boolean {
  const states = typeof value === 'object' && value !== null ? Object.values(value) : [null]
  return states.every((state) => state === 'draining' || state === 'disabled')
}

const isEpoch = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 1

/** A backend that was told a higher epoch refuses a lower one, so it is worth looking for among the ruins. */
function salvageEpoch(text: string): Epoch | null {
  const found = Number(/"epoch"\s*:\s*(\d{1,15})\s*[,}\n]/.exec(text)?.[1])
  return isEpoch(found) ? epoch(found) : null
}

async function syncToDisk(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
