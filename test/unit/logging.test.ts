import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { epoch } from '../../src/core/epoch.ts'
import type { AccessLine, Logger, LogOptions } from '../../src/logging.ts'
import { createLogger, logNotice } from '../../src/logging.ts'
import { FakeClock } from '../support/fake-clock.ts'

let dir: string
let clock: FakeClock
let logger: Logger

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'understudy-log-'))
  clock = new FakeClock()
})
afterEach(() => {
  clock.assertIdle()
  rmSync(dir, { recursive: true })
})

function open(options: Partial<LogOptions> = {}): void {
  logger = createLogger({ level: 'info', access: 'all', clock, destination: join(dir, 'log'), ...options })
}

const text = (): string => readFileSync(join(dir, 'log'), 'utf8')

async function written(): Promise<readonly Record<string, unknown>[]> {
  await logger.close()
  const lines = text().split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line))
}

const LINE: AccessLine = {
  listener: 'web',
  pool: 'shop',
  requestId: 'r-1',
  client: '127.0.0.1',
  method: 'GET',
  path: '/',
  status: 200,
  bytes: 12,
  duration: 1.23456,
  upstream: 'blue',
  epoch: 1,
  attempts: [],
  rescued: null,
  error: null,
}

describe('access lines', () => {
  it('are JSON with everything about the request', async () => {
    open()
    logger.access(LINE)
    expect(await written()).toMatchObject([
      { ...LINE, duration: 1.2, level: 'info', msg: 'request', time: expect.any(String) },
    ])
  })

  it('can be off', async () => {
    open({ access: 'off' })
    logger.access({ ...LINE, status: 503 })
    expect(await written()).toEqual([])
  })

  it('when sampled, are ten ordinary ones a second and every remarkable one', async () => {
    open({ access: 'sampled' })
    for (let count = 0; count < 30; count++) logger.access(LINE)
    clock.advance(1_000)
    for (let count = 0; count < 30; count++) logger.access(LINE)
    const failed = { upstream: 'blue', failure: 'reset', ms: 1 }
    logger.access({ ...LINE, status: 502 })
    logger.access({ ...LINE, rescued: 'replay' })
    logger.access({ ...LINE, attempts: [failed] })
    logger.access({ ...LINE, error: 'client-gone' })
    expect(await written()).toHaveLength(24)
  })
})

it('writes batched lines within a moment', async () => {
  open()
  logger.access(LINE)
  clock.advance(250)
  await expect.poll(text).toContain('request')
  await logger.close()
})

describe('notices', () => {
  it('are written at once, at the level of their weight', async () => {
    open({ level: 'warn' })
    const common = { id: 1, at: clock.now(), pool: 'shop', epoch: epoch(2), text: 'because' }
    logNotice(logger, { ...common, type: 'failover', rule: 'crash' })
    logNotice(logger, { ...common, type: 'paused' })
    logNotice(logger, { ...common, type: 'unavailable' })
    await expect.poll(text).toContain('failover')
    expect(await written()).toMatchObject([
      { level: 'warn', notice: 'failover', rule: 'crash', epoch: 2, msg: 'because' },
      { level: 'error', notice: 'unavailable' },
    ])
  })
})
