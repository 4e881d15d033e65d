/**
 * An append-only record of what happened, one JSON line a notice, so that a decision can be explained after a restart.
 * Never in the way of traffic: lines are queued, written in batches, and dropped (and counted) when the disk is stuck.
 */
import type { FileHandle } from 'node:fs/promises'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isoTime } from './clock.ts'
import { findLastLine } from './last-line.ts'
import type { NumberedNotice } from './notices.ts'

export type JournalEntry = NumberedNotice & Readonly<{ time: string }>

export type JournalOptions = Readonly<{
  dir: string
  /** Receives one sentence for people about each problem. */
  report(problem: string): void
  /** When a file has this many bytes the next one is begun. */
  maxBytes?: number
}>

const MAX_BYTES = 10 * 1_048_576
/** Full files beside the current one: `journal.jsonl.1` is the newest of them. */
const KEPT = 3
const MAX_QUEUED = 10_000

export class Journal {
  private readonly dir: string
  private readonly path: string
  private readonly maxBytes: number
  private readonly report: (problem: string) => void
  private queue: string[] = []
  private dropped = 0
  private file: FileHandle | null = null
  private size = 0
  private writing: Promise<void> | null = null
  private closed = false
  private lastProblem = ''

  constructor({ dir, report, maxBytes = MAX_BYTES }: JournalOptions) {
    this.dir = dir
    this.path = join(dir, 'journal.jsonl')
    this.maxBytes = maxBytes
    this.report = report
  }

  append(notice: NumberedNotice): void {
    if (this.closed) return
    if (this.queue.length >= MAX_QUEUED) {
      this.dropped++
      return
    }
    const entry: JournalEntry = { time: isoTime(notice.at), ...notice }
    this.queue.push(`${JSON.stringify(entry)}\n`)
    this.writing ??= this.drain()
  }

  /** The last `count` entries, oldest first, from before a restart too. */
  async readRecent(count: number): Promise<readonly JournalEntry[]> {
    await this.writing
    let entries: JournalEntry[] = []
    for (let age = 0; age <= KEPT && entries.length < count; age++) {
      entries = [...parseLines(await readIfThere(this.aged(age))), ...entries]
    }
    return count > 0 ? entries.slice(-count) : []
  }

  /** The latest entry of that kind, from before a restart too. */
  async findLast(matches: (entry: JournalEntry) => boolean): Promise<JournalEntry | null> {
    await this.writing
    for (let age = 0; age <= KEPT; age++) {
      const found = await findLastLine(this.aged(age), (line) => parseLines(line).find(matches) ?? null)
      if (found) return found
    }
    return null
  }

  /** Writes what is queued. Nothing is taken after this. */
  async close(): Promise<void> {
    this.closed = true
    await this.writing
    await this.file?.close()
    this.file = null
  }

  private aged(age: number): string {
    return age === 0 ? this.path : `${this.path}.${age}`
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      const lines = this.queue
      this.queue = []
      try {
        await this.write(lines.join(''))
        this.lastProblem = ''
      } catch (error) {
        this.dropped += lines.length
        await this.abandonFile(error)
      }
      this.reportDropped()
    }
    this.writing = null
  }

  private async write(text: string): Promise<void> {
    this.file ??= await this.openFile()
    await this.file.appendFile(text)
    this.size += Buffer.byteLength(text)
    if (this.size >= this.maxBytes) await this.rotate()
  }

  private async openFile(): Promise<FileHandle> {
    await mkdir(this.dir, { recursive: true, mode: 0o700 })
    const file = await open(this.path, 'a+', 0o600)
    const { size } = await file.stat()
    this.size = size
    // A process that was killed in the middle of a line must not spoil the next one.
    const last = size > 0 ? (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer.toString() : '\n'
    if (last !== '\n') await file.appendFile('\n')
    return file
  }

  private async rotate(): Promise<void> {
    await this.file?.close()
    this.file = null
    await rm(this.aged(KEPT), { force: true })
    for (let age = KEPT - 1; age >= 0; age--) {
      // A gap in the row of files is no reason to stop writing.
      await rename(this.aged(age), this.aged(age + 1)).catch(() => {})
    }
  }

  private async abandonFile(error: unknown): Promise<void> {
    await this.file?.close().catch(() => {})
    this.file = null
    const problem = error instanceof Error ? error.message : String(error)
    if (problem !== this.lastProblem) this.report(`The journal ${this.path} cannot be written: ${problem}.`)
    this.lastProblem = problem
  }

  private reportDropped(): void {
    if (this.dropped === 0 || this.lastProblem !== '') return
    this.report(`${this.dropped} entries are missing from the journal ${this.path}: it could not be written in time.`)
    this.dropped = 0
  }
}

async function readIfThere(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '')
}

function parseLines(text: string): JournalEntry[] {
  return text.split('\n').flatMap((line) => {
    try {
      const entry: JournalEntry = JSON.parse(line)
      return typeof entry?.id === 'number' && typeof entry.text === 'string' ? [entry] : []
    } catch {
      // A line cut off by a crash, or one that somebody edited.
      return []
    }
  })
}
