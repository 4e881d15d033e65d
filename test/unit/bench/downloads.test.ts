// Downloads are resumed from the other origin, so both must have the same bytes, and only an exact piece may pass.
import { describe, expect, it } from 'vitest'
import { DEFAULT_SHAPE, planLoad } from '../../../bench/load/plan.ts'
import { downloadOf, isDownload, partOf } from '../../../bench/origin/downloads.ts'

const file = downloadOf('/downloads/1')
const last = file.body.length - 1

describe('a download', () => {
  it('is 10 MiB, the same at every time and different for every path', () => {
    expect(file.body.length).toBe(10 * 1024 * 1024)
    expect(downloadOf('/downloads/1').etag).toBe(file.etag)
    expect(downloadOf('/downloads/2').etag).not.toBe(file.etag)
  })

  it('has a strong validator', () => expect(file.etag).toMatch(/^"[0-9a-f]{8}"$/))
})

describe('a part of it is answered', () => {
  it('from the offset to the end or to the last byte that was asked for', () => {
    expect(partOf(file, { range: 'bytes=100-' })).toEqual({ from: 100, to: last })
    expect(partOf(file, { range: 'bytes=100-199' })).toEqual({ from: 100, to: 199 })
    expect(partOf(file, { range: `bytes=100-${last + 5}` })).toEqual({ from: 100, to: last })
  })

  it('under its own validator only', () => {
    expect(partOf(file, { range: 'bytes=100-', ifRange: file.etag })).not.toBeNull()
    expect(partOf(file, { range: 'bytes=100-', ifRange: '"other"' })).toBeNull()
    expect(partOf(file, { range: 'bytes=100-', ifRange: `W/${file.etag}` })).toBeNull()
  })

  it('not without a range, nor beyond the end', () => {
    expect(partOf(file, {})).toBeNull()
    expect(partOf(file, { range: `bytes=${last + 1}-` })).toBeNull()
  })
})

describe('a load', () => {
  it('of downloads asks for nothing else', () => {
    const plan = planLoad({ ...DEFAULT_SHAPE, rate: 5, downloadShare: 1 })
    expect(plan.length).toBe(30)
    expect(plan.every(({ method, path }) => method === 'GET' && isDownload(path))).toBe(true)
  })

  it('has none unless it is told to', () => {
    expect(planLoad(DEFAULT_SHAPE).some(({ path }) => isDownload(path))).toBe(false)
  })
})
