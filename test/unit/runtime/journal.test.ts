import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { epoch } from '../../../src/core/epoch.ts'
import { ms } from '../../../src/core/time.ts'
import { Journal } from '../../../src/runtime/journal.ts'
import type { NumberedNotice } from '../../../src/runtime/notices.ts'

let root: string
let dir: string
let problems: string[]

const newJournal = (maxBytes?: number) =>
  new Journal({ dir, report: (problem) => problems.push(problem), ...(maxBytes === undefined ? {} : { maxBytes }) })

const notice = (id: number, text = `notice ${id}`): NumberedNotice => ({
  id,
  type: 'failover',
  at: ms(Date.UTC(2026, 0, 2)),
  pool: 'shop',
  epoch: epoch(1),
  text,
})

const ids = (entries: readonly { id: number }[]) => entries.map(({ id }) => id)

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'understudy-journal-'))
  dir = join(root, 'state')
  problems = []
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

describe('the journal', () => {
  it('writes one JSON line a notice, with the time as people read it', async () => {
    const journal = newJournal()
    journal.append(notice(1))
    journal.append(notice(2))
    await journal.close()
    const lines = readFileSync(join(dir, 'journal.jsonl'), 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { time: '2026-01-02T00:00:00.000Z', id: 1, type: 'failover', pool: 'shop', epoch: 1, text: 'notice 1' },
      { id: 2 },
    ])
    expect(problems).toEqual([])
  })

  it('gives back the last entries, oldest first, those from before a restart too', async () => {
    const before = newJournal()
    for (const id of [1, 2, 3]) before.append(notice(id))
    await before.close()
    const after = newJournal()
    after.append(notice(4))
    expect(ids(await after.readRecent(3))).toEqual([2, 3, 4])
    expect(await after.readRecent(0)).toEqual([])
    await after.close()
  })

  it('has nothing to tell before the first notice', async () => {
    expect(await newJournal().readRecent(10)).toEqual([])
  })

  it('begins a new file when one is full, keeps three full ones, and reads across them', async () => {
    const journal = newJournal(500)
    for (let id = 1; id <= 41; id++) {
      journal.append(notice(id))
      await journal.readRecent(0)
    }
    expect(readdirSync(dir).sort()).toEqual(
      ['journal.jsonl.1', 'journal.jsonl.2', 'journal.jsonl.3', 'journal.jsonl'].sort(),
    )
    expect(ids(await journal.readRecent(5))).toEqual([37, 38, 39, 40, 41])
    const all = ids(await journal.readRecent(1_000))
    expect(all.length).toBeLessThan(41)
    expect(all).toEqual(Array.from({ length: all.length }, (_, index) => 42 - all.length + index))
    await journal.close()
  })

  it('counts what is already in the file toward its size', async () => {
    const first = newJournal(500)
    first.append(notice(1, 'x'.repeat(300)))
    await first.close()
    const second = newJournal(500)
    second.append(notice(2))
    await second.close()
    expect(readdirSync(dir)).toEqual(['journal.jsonl.1'])
  })

  it('loses no later entry to a line that a crash cut off, or that somebody edited', async () => {
    mkdirSync(dir)
    writeFileSync(join(dir, 'journal.jsonl'), '7\n{"id":"no number"}\n{"id":1,"text":"cut o')
    const journal = newJournal()
    journal.append(notice(2))
    expect(ids(await journal.readRecent(10))).toEqual([2])
    appendFileSync(join(dir, 'journal.jsonl'), 'nonsense\n')
    journal.append(notice(3))
    expect(ids(await journal.readRecent(10))).toEqual([2, 3])
    await journal.close()
  })

  it('takes nothing after it was closed, and can be closed unused', async () => {
    const journal = newJournal()
    await journal.close()
    journal.append(notice(1))
    expect(await journal.readRecent(1)).toEqual([])
  })
})

describe('a journal that cannot be written', () => {
  it('says so once, and says what is missing when it can be written again', async () => {
    writeFileSync(dir, '')
    const journal = newJournal()
    journal.append(notice(1))
    await journal.readRecent(1)
    journal.append(notice(2))
    await journal.readRecent(1)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain('cannot be written')

    rmSync(dir)
    journal.append(notice(3))
    expect(ids(await journal.readRecent(5))).toEqual([3])
    expect(problems[1]).toContain('2 entries are missing')
    await journal.close()
  })

  it('keeps a bounded number of lines in memory and counts the rest', async () => {
    const journal = newJournal()
    for (let id = 1; id <= 10_101; id++) journal.append(notice(id))
    await journal.close()
    // The first line was on its way to the disk already when the queue began to fill.
    expect(problems).toEqual([expect.stringContaining('100 entries are missing')])
  })
})

describe('finding the latest entry of a kind', () => {
  it('looks through older files, and sees what is still to be written', async () => {
    const journal = newJournal(300)
    for (let id = 1; id <= 8; id++) {
      journal.append(notice(id, id === 2 ? 'wanted' : 'other'))
      // What is written together ends up in one file.
      await journal.readRecent(0)
    }
    expect(readdirSync(dir).length).toBeGreaterThan(1)
    expect(await journal.findLast(({ text }) => text === 'wanted')).toMatchObject({ id: 2 })
    journal.append(notice(9, 'wanted'))
    expect(await journal.findLast(({ text }) => text === 'wanted')).toMatchObject({ id: 9 })
    expect(await journal.findLast(({ text }) => text === 'nobody said that')).toBeNull()
    await journal.close()
  })
})
