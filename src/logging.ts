/**
 * The log: JSON lines, written in batches because a write per request would cost more than the request. What people wait
 * for (notices, errors) is flushed at once. Nothing here decides anything.
 */
import { closeSync, openSync } from 'node:fs'
import type { DestinationStream, Logger as PinoLogger } from 'pino'
import pino from 'pino'
import type { NoticeType } from './core/events.ts'
import type { Clock } from './core/time.ts'
import { LogWriter } from './log-writer.ts'
import type { NumberedNotice } from './runtime/notices.ts'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

export type LogOptions = Readonly<{
  level: LogLevel
  /** `sampled`: every failed or rescued request, and a few of the others each second. */
  access: 'off' | 'sampled' | 'all'
  clock: Clock
  /** A file (its path, or its descriptor); standard output without it. */
  destination?: number | string
}>

/** One that failed; the one that answered is the line's `upstream`. `ms`: since the request arrived. */
export type AccessAttempt = Readonly<{ upstream: string; failure: string; ms: number }>

/** One finished request. */
export type AccessLine = Readonly<{
  listener: string
  pool: string
  requestId: string | null
  client: string
  method: string
  path: string
  status: number
  bytes: number
  /** In ms, from the arrival to the end of the answer. */
  duration: number
  upstream: string | null
  epoch: number
  attempts: readonly AccessAttempt[]
  rescued: string | null
  /** The code of an answer that the proxy itself made. */
  error: string | null
}>

export interface Logger {
  readonly log: PinoLogger
  access(line: AccessLine): void
  /** Begins to write what is batched; does not wait. */
  flush(): void
  /** Resolves once everything is written, or cannot be. */
  close(): Promise<void>
  /** For the `exit` event, which waits for nothing. */
  writeLast(): void
}

const ORDINARY_PER_SECOND = 10

export function createLogger({ level, access, clock, destination = 1 }: LogOptions): Logger {
  const own = typeof destination === 'string' ? openSync(destination, 'a') : null
  const writer = new LogWriter(own ?? Number(destination), clock)
  const log = createPino(level, writer)
  const wanted = access === 'sampled' ? sampler(clock) : () => access === 'all'
  return {
    log,
    access: (line) => {
      if (wanted(line)) log.info({ ...line, duration: Math.round(line.duration * 10) / 10 }, 'request')
    },
    flush: () => writer.flush(),
    close: async () => {
      await writer.close()
      if (own !== null) closeSync(own)
    },
    writeLast: () => writer.writeLast(),
  }
}

function createPino(level: LogLevel, writer: DestinationStream): PinoLogger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    writer,
  )
}

function sampler(clock: Clock): (line: AccessLine) => boolean {
  let second = 0
  let written = 0
  return (line) => {
    if (line.status >= 500 || line.rescued !== null || line.error !== null || line.attempts.length > 0) return true
    const now = Math.floor(clock.now() / 1_000)
    if (now !== second) {
      second = now
      written = 0
    }
    return ++written <= ORDINARY_PER_SECOND
  }
}

const LEVELS: Readonly<Record<NoticeType, 'info' | 'warn' | 'error'>> = {
  started: 'info',
  failover: 'warn',
  switchover: 'info',
  failback: 'info',
  recovered: 'warn',
  unavailable: 'error',
  ejected: 'warn',
  'conviction-withheld': 'warn',
  'upstream-fit': 'info',
  'upstream-unfit': 'warn',
  'active-unfit': 'error',
  'active-fit': 'info',
  'switch-started': 'info',
  'switch-failed': 'error',
  paused: 'info',
  resumed: 'info',
  'admin-changed': 'info',
}

export function logNotice(logger: Logger, notice: NumberedNotice): void {
  const { text, at, type, ...rest } = notice
  logger.log[LEVELS[type]]({ notice: type, ...rest }, text)
  logger.flush()
}
