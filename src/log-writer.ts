/**
 * Writes log lines, in batches and without ever waiting for it: a full disk, a closed pipe or a
 * reader that has stopped reading costs lines (bounded memory, counted), never the requests that are being served.
 */
import { write, writeSync } from 'node:fs'
import type { Cancel, Clock } from './core/time.ts'

const BATCH = 4_096
const MOST_KEPT = 1_048_576
/** Nobody who follows a log should wait longer for a line. */
const FLUSH_EVERY = 250
const RETRY_AFTER = 20
/** Of the last lines of a process. */
const PATIENCE = 1_000

/** Where batches go. `done` comes later. */
export type LogOutput = Readonly<{
  write(batch: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void
  /** Throws where that is not possible. */
  writeNow(text: string): void
}>

export const fileOutput = (fd: number): LogOutput => ({
  write: (batch, done) => write(fd, batch, done),
  writeNow: (text) => writeSync(fd, text),
})

export class LogWriter {
  /** Lines that could not be written. */
  dropped = 0
  private readonly output: LogOutput
  private readonly clock: Clock
  private readonly stopTimer: Cancel
  private kept = ''
  private writing = false
  private whenWritten: (() => void) | null = null

  constructor(output: LogOutput, clock: Clock) {
    this.output = output
    this.clock = clock
    this.stopTimer = clock.every(FLUSH_EVERY, () => this.flush())
  }

  write(line: string): void {
    if (this.kept.length + line.length > MOST_KEPT) this.dropped++
    else this.kept += line
    if (this.kept.length >= BATCH) this.flush()
  }

  /** Begins to write what is kept; returns at once. */
  flush(): void {
    if (this.writing || this.kept === '') return
    const batch = Buffer.from(this.kept)
    this.kept = ''
    this.writing = true
    this.writeOn(batch)
  }

  /** Writes what is kept, if that takes no more than a moment. */
  close(): Promise<void> {
    this.stopTimer()
    return new Promise((resolve) => {
      const cancel = this.clock.after(PATIENCE, resolve)
      const look = (): void => {
        this.flush()
        if (this.writing) this.whenWritten = look
        else {
          cancel()
          resolve()
        }
      }
      look()
    })
  }

  /** For the very end of a process that nobody could announce: one try. */
  writeLast(): void {
    // A write that has not come back may be stuck, and another one would be too.
    if (this.writing || this.kept === '') return
    try {
      this.output.writeNow(this.kept)
    } catch {
      this.dropped++
    }
    this.kept = ''
  }

  /** A pipe that is full for the moment, and that somebody has made non-blocking. */
  private tryAgain(batch: Buffer): void {
    this.clock.after(RETRY_AFTER, () => this.writeOn(batch))
  }

  private writeOn(batch: Buffer): void {
    this.output.write(batch, (error, written) => {
      if (error === null && written < batch.length) return this.writeOn(batch.subarray(written))
      if (error?.code === 'EAGAIN') return this.tryAgain(batch)
      if (error !== null) this.dropped += countLines(batch)
      this.writing = false
      if (this.kept.length >= BATCH) this.flush()
      const done = this.whenWritten
      this.whenWritten = null
      done?.()
    })
  }
}

const LINE_FEED = 0x0a
const countLines = (batch: Buffer): number => batch.reduce((count, byte) => (byte === LINE_FEED ? count + 1 : count), 0)
