import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileOutput, LogWriter } from '../../src/log-writer.ts'
import { FakeClock } from '../support/fake-clock.ts'

let dir: string
let clock: FakeClock
let file: number

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'understudy-log-'))
  file = openSync(join(dir, 'log'), 'a')
  clock = new FakeClock()
})
afterEach(() => {
  closeSync(file)
  clock.assertIdle()
  rmSync(dir, { recursive: true })
})

const text = () => readFileSync(join(dir, 'log'), 'utf8')

describe('a log writer', () => {
  it('keeps lines together, in order', async () => {
    const writer = new LogWriter(fileOutput(file), clock)
    for (let line = 0; line < 5_000; line++) writer.write(`line ${line}\n`)
    await writer.close()
    expect(text().split('\n')).toEqual([...Array.from({ length: 5_000 }, (_, line) => `line ${line}`), ''])
  })

  it('writes by itself within a quarter of a second', async () => {
    const writer = new LogWriter(fileOutput(file), clock)
    writer.write('one\n')
    expect(text()).toBe('')
    clock.advance(250)
    await expect.poll(text).toBe('one\n')
    await writer.close()
  })

  it('writes at the very end of a process, when nobody waits any more', async () => {
    const writer = new LogWriter(fileOutput(file), clock)
    writer.write('last words\n')
    writer.writeLast()
    expect(text()).toBe('last words\n')
    await writer.close()
  })

  it('drops lines that a full disk does not take, and goes on', async () => {
    const full = openSync('/dev/full', 'w')
    const writer = new LogWriter(fileOutput(full), clock)
    writer.write('one\n')
    writer.write('two\n')
    writer.flush()
    await expect.poll(() => writer.dropped).toBe(2)
    writer.write('three\n')
    writer.writeLast()
    expect(writer.dropped).toBe(3)
    await writer.close()
    closeSync(full)
  })

  it('keeps no more than a bounded number of bytes for a reader that has stopped', async () => {
    const writer = new LogWriter(fileOutput(file), clock)
    // Nothing is written before this turn of the event loop ends, as with a reader that does not read.
    for (let line = 0; line < 20_000; line++) writer.write(`${'x'.repeat(99)}\n`)
    expect(writer.dropped).toBeGreaterThan(9_000)
    await writer.close()
    expect(text().length).toBeLessThan(1_100_000)
  })
})
