import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findLastLine } from '../../../src/runtime/last-line.ts'

const SLICE = 65_536

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'understudy-lines-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function file(text: string): string {
  const path = join(root, 'lines')
  writeFileSync(path, text)
  return path
}

const find = (text: string, wanted: RegExp) => findLastLine(file(text), (line) => (wanted.test(line) ? line : null))

describe('the last line that is wanted', () => {
  it('is the last of several, whole', async () => {
    expect(await find('one a\ntwo b\nthree a\nfour b\n', /a$/)).toBe('three a')
  })

  it('is found without a line end behind it', async () => {
    expect(await find('one\ntwo', /t/)).toBe('two')
  })

  it('may be the first of all', async () => {
    expect(await find(`wanted\n${'other\n'.repeat(50_000)}`, /wanted/)).toBe('wanted')
  })

  it.each([-2, -1, 0, 1, 2])('is whole where a slice ends %i bytes off its beginning', async (off) => {
    const tail = `${'x'.repeat(SLICE - 8 + off)}\n`
    expect(await find(`before\nwanted é\n${tail}`, /^wanted/)).toBe('wanted é')
  })

  it('may be longer than several slices, with characters of several bytes in it', async () => {
    const long = `wanted ${'é€'.repeat(SLICE)}`
    expect(await find(`before\n${long}\nafter\n`, /^wanted/)).toBe(long)
  })

  it('is null where there is none, or no file', async () => {
    expect(await find('one\ntwo\n', /three/)).toBeNull()
    expect(await find('', /./)).toBeNull()
    expect(await findLastLine(join(root, 'nothing'), (line) => line)).toBeNull()
  })
})
