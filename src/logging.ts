/**
 * The log: JSON lines, written in batches because a write per request would cost more than the request. What people wait
 * for (notices, errors) is flushed at once. Nothing here decides anything.
 */
import { closeSync, openSync } from 'node:fs'
import type { DestinationStream, Logger as PinoLogger } from 'pino'
import pino from 'pino'
import type { NoticeType } from './core/events.ts'
import type { Clock } from './core/time.ts'
import type { LogOutput } from './log-writer.ts'
import { fileOutput, LogWriter } from './log-writer.ts'
import type { NumberedNotice } from './runtime/notices.ts'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

export type LogOptions = Readonly<{
  level: LogLevel
  /** `sampled`: every failed or rescued request, and a few of the others each second. */
  access: 'off' | 'sampled' | 'all'
  clock: Clock
  /** A file (its path, or its descriptor), or who passes lines on; standard output without it. */
  destination?: number | string | LogOutput
}>

/** One that failed; the one that answered is the line's `upstream`. `ms`: since the request arrived. */
export type AccessAttempt = Readonly<{ upstream: string; failure: string; ms: number }>

/** What lines of both kinds have in common. */
type Line = Readonly<{
  listener: string
  pool: string
  client: string
  /** In ms, from the arrival to the end. */
  duration: number
  upstream: string | null
  epoch: number
  attempts: readonly AccessAttempt[]
  rescued: string | null
  /** The code of an answer that the proxy itself made, or how it ended otherwise than it should. */
  error: string | null
}>

/** One finished request. */
type RequestLine = Line &
  Readonly<{ requestId: string | null; method: string; path: string; status: number; bytes: number }>

/** One finished TCP session. Bytes from the client, and from the upstream. */
type SessionLine = Line & Readonly<{ bytesIn: number; bytesOut: number }>

export type AccessLine = RequestLine | SessionLine

/** What the parts of the proxy say things to: pino, or the logger of a Fastify application. */
export type Log = Pick<PinoLogger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'>

export interface Logger {
  readonly log: Log
  access(line: AccessLine): void
  /** Lines that another thread has made. */
  pass(lines: string): void
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
  const output = typeof destination === 'object' ? destination : fileOutput(own ?? Number(destination))
  const writer = new LogWriter(output, clock)
  const log = createPino(level, writer)
  const wanted = access === 'sampled' ? sampler(clock) : () => access === 'all'
  return {
    log,
    access: (line) => {
      if (!wanted(line)) return
      log.info({ ...line, duration: Math.round(line.duration * 10) / 10 }, 'method' in line ? 'request' : 'session')
    },
    pass: (lines) => writer.write(lines),
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
    if ('status' in line && line.status >= 500) return true
    if (line.rescued !== null || line.error !== null || line.attempts.length > 0) return true
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
  'would-failover': 'warn',
  'would-failback': 'info',
  switchover: 'info',
  'failback-started': 'info',
  'failback-aborted': 'warn',
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

export function logNotice(logger: Pick<Logger, 'log' | 'flush'>, notice: NumberedNotice): void {
  // The evidence is for whoever asks for it: the journal keeps it.
  const { text, at, type, evidence: _, ...rest } = notice
  logger.log[LEVELS[type]]({ notice: type, ...rest }, text)
  logger.flush()
}
