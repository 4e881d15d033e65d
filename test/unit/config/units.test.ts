// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration file, not of JavaScript
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  formatDuration,
  formatPercent,
  formatSize,
  parseDuration,
  parsePercent,
  parseSize,
  parseStatuses,
} from '../../../src/config/units.ts'
import { problemsOf, shop, withShop } from './support.ts'

describe('durations', () => {
  it.each([
    ['250ms', 250],
    ['1.5s', 1_500],
    ['1.001s', 1_001],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['0s', 0],
  ])('reads %s as %i ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds)
  })

  it.each(['', '5', '5 s', '-5s', '5S', 's', '1m30s', '0.5ms', '1e3s', '5sec', ' 5s'])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })

  it('gives back what it wrote, for every number of milliseconds', () => {
    fc.assert(
      fc.property(fc.nat(999_999_999), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds)
      }),
    )
  })

  it('writes the largest unit that is exact', () => {
    expect([0, 250, 1_500, 60_000, 5_400_000, 7_200_000].map(formatDuration)).toEqual([
      '0ms',
      '250ms',
      '1500ms',
      '1m',
      '90m',
      '2h',
    ])
  })

  it('names the unit when a number has none', () => {
    expect(problemsOf(withShop('drain: { timeout: 30 }'))).toEqual([
      'u.yaml:8:23 pools.shop.drain.timeout expected a duration with its unit, such as 250ms, 5s, 2m or 1h',
    ])
  })

  it.each(['249ms', '5001ms'])('keeps hangAfter from 250ms to 5s: refuses %s', (text) => {
    expect(problemsOf(withShop(`detect: { hangAfter: ${text} }`))).toEqual([
      'u.yaml:8:26 pools.shop.detect.hangAfter must be from 250ms to 5s',
    ])
  })

  it.each(['250ms', '5s'])('accepts hangAfter at the bound of %s', (text) => {
    expect(shop(`detect: { hangAfter: ${text} }`).detect.hangAfter).toBe(parseDuration(text))
  })
})

describe('sizes', () => {
  it.each([
    ['512B', 512],
    ['64KiB', 65_536],
    ['1.5KiB', 1_536],
    ['16MiB', 16_777_216],
    ['1GiB', 1_073_741_824],
  ])('reads %s as %i bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })

  it.each(['', '64', '64KB', '64kib', '64 KiB', '-1B', '0.3B'])('refuses %j', (text) => {
    expect(parseSize(text)).toBeUndefined()
  })

  it('gives back what it wrote, for every number of bytes', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), (bytes) => {
        expect(parseSize(formatSize(bytes))).toBe(bytes)
      }),
    )
  })

  it('does not keep bodies for a replay that would fill the memory', () => {
    expect(problemsOf(withShop('replay: { body: 17MiB }'))).toEqual([
      'u.yaml:8:21 pools.shop.replay.body must be from 0B to 16MiB',
    ])
  })

  it('names the unit when a number has none', () => {
    expect(problemsOf(withShop('hold: { bytes: 1024 }'))[0]).toContain('expected a size with its unit')
  })
})

describe('percentages', () => {
  it('reads them as a share of one', () => {
    expect([parsePercent('50%'), parsePercent('0%'), parsePercent('100%'), parsePercent('12.5%')]).toEqual([
      0.5, 0, 1, 0.125,
    ])
  })

  it.each(['101%', '50', '0.5', '-1%', '%'])('refuses %j', (text) => {
    expect(parsePercent(text)).toBeUndefined()
  })

  it('gives back what it wrote', () => {
    fc.assert(
      fc.property(fc.nat(100_000), (thousandths) => {
        const share = thousandths / 100_000
        expect(parsePercent(formatPercent(share))).toBeCloseTo(share, 10)
      }),
    )
  })
})

describe('status codes', () => {
  it('reads ranges and lists', () => {
    expect(parseStatuses('200-399,404')).toEqual([
      { from: 200, to: 399 },
      { from: 404, to: 404 },
    ])
  })

  it.each(['', '399-200', '99', '600', '200-', '200, 204', '2xx'])('refuses %j', (text) => {
    expect(parseStatuses(text)).toBeUndefined()
  })

  it('takes a single code without quotes', () => {
    expect(shop('probe: { path: /health, expect: 204 }').probe).toMatchObject({ expect: [{ from: 204, to: 204 }] })
  })
})

describe('numbers and switches', () => {
  it('are read from text too, because variables are text', () => {
    const pool = shop('hold: { requests: "${N}" }\nreplay: { idempotencyKey: "${B}" }', { N: '7', B: 'true' })
    expect([pool.hold.requests, pool.replay.idempotencyKey]).toEqual([7, true])
  })

  it.each(['1.5', '-1', 'many', '1000001', '[]', '""'])('refuses %s as a number of requests', (text) => {
    expect(problemsOf(withShop(`hold: { requests: ${text} }`))).toEqual([
      'u.yaml:8:23 pools.shop.hold.requests expected a whole number from 0 to 1000000',
    ])
  })

  it('refuses the words of YAML 1.1, which mean text today', () => {
    expect(problemsOf(withShop('replay: { standbyReads: no }'))).toEqual([
      'u.yaml:8:29 pools.shop.replay.standbyReads expected true or false',
    ])
  })
})
