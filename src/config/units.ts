/**
 * The scalars of the configuration file: how each is written, checked and turned into a number. Every unit accepts text,
 * because `${ENV}` always gives text. Messages never repeat the value: it may have come from a secret variable.
 */
import { z } from 'zod'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const KIB = 1_024
const MIB = 1_024 * KIB
const GIB = 1_024 * MIB

/** Largest first: formatting takes the first unit that divides exactly. */
const DURATIONS = { h: HOUR, m: MINUTE, s: SECOND, ms: 1 } as const
const SIZES = { GiB: GIB, MiB: MIB, KiB: KIB, B: 1 } as const

const DURATION = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/
const SIZE = /^(\d{1,12}(?:\.\d{1,3})?)(B|KiB|MiB|GiB)$/
const PERCENT = /^(\d{1,3}(?:\.\d{1,3})?)%$/

/** One week: far under 2^31 ms, above which Node's timers silently fire at once. */
const LONGEST = 168 * HOUR

type Range = Readonly<{ min?: number; max?: number }>

function measure(text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number | undefined {
  const [, amount, unit] = pattern.exec(text) ?? []
  if (amount === undefined || unit === undefined) return undefined
  const value = Number(amount) * (units[unit] ?? Number.NaN)
  // 1.5s is 1500 ms; 0.5ms is not a whole number of anything. Rounding first: 1.001 * 1000 is not exact in floating point.
  return Math.abs(value - Math.round(value)) < 1e-6 ? Math.round(value) : undefined
}

function format(value: number, units: Readonly<Record<string, number>>): string {
  const [unit, size] = Object.entries(units).find(([, each]) => value >= each && value % each === 0) ?? []
  if (unit !== undefined && size !== undefined) return `${value / size}${unit}`
  return `${value}${Object.keys(units).at(-1)}`
}

/** `250ms` → 250. `undefined` when it is not a duration of whole milliseconds. */
export const parseDuration = (text: string): number | undefined => measure(text, DURATION, DURATIONS)
export const formatDuration = (milliseconds: number): string => format(milliseconds, DURATIONS)

/** `64KiB` → 65536. `undefined` when it is not a size of whole bytes. */
export const parseSize = (text: string): number | undefined => measure(text, SIZE, SIZES)
export const formatSize = (bytes: number): string => format(bytes, SIZES)

/** `50%` → 0.5 */
export function parsePercent(text: string): number | undefined {
  const amount = Number(PERCENT.exec(text)?.[1])
  return amount <= 100 ? amount / 100 : undefined
}

export const formatPercent = (share: number): string => `${Number((share * 100).toFixed(3))}%`

type Unit = Readonly<{
  title: string
  expected: string
  pattern: RegExp
  parse: (text: string) => number | undefined
  show: (value: number) => string
  /** The number that a word stands for: one more value, outside the range. */
  word?: number
}>

function measured(unit: Unit, { min = 0, max = Number.MAX_SAFE_INTEGER }: Range) {
  const range = `from ${unit.show(min)} to ${unit.show(max)}`
  return z
    .string({ error: unit.expected })
    .regex(unit.pattern, { error: unit.expected })
    .meta({ title: `${unit.title}, ${range}` })
    .transform((text, context) => {
      const value = unit.parse(text)
      if (value !== undefined && value >= min && value <= max) return value
      if (value !== undefined && value === unit.word) return value
      context.addIssue({ code: 'custom', message: value === undefined ? unit.expected : `must be ${range}` })
      return z.NEVER
    })
}

/** Milliseconds. */
export const duration = ({ min = 1, max = LONGEST }: Range = {}) =>
  measured(
    {
      title: 'duration',
      expected: 'expected a duration with its unit, such as 250ms, 5s, 2m or 1h',
      pattern: DURATION,
      parse: parseDuration,
      show: formatDuration,
    },
    { min, max },
  )

const DURATION_OR_OFF = /^(off|\d{1,9}(?:\.\d{1,3})?(ms|s|m|h))$/

/** Milliseconds; 0 for `off`. */
export const durationOrOff = ({ min = 1, max = LONGEST }: Range = {}) =>
  measured(
    {
      title: '`off` or duration',
      expected: 'expected off, or a duration with its unit, such as 250ms, 5s, 2m or 1h',
      pattern: DURATION_OR_OFF,
      parse: (text) => (text === 'off' ? 0 : parseDuration(text)),
      show: formatDuration,
      word: 0,
    },
    { min, max },
  )

/** No duration is negative. */
const TTL = -1
const DURATION_OR_TTL = /^(ttl|\d{1,9}(?:\.\d{1,3})?(ms|s|m|h))$/

/** Milliseconds, or `ttl`. */
export const durationOrTtl = ({ min = 1, max = LONGEST }: Range = {}) =>
  measured(
    {
      title: '`ttl` or duration',
      expected: 'expected ttl, or a duration with its unit, such as 1s, 10s or 5m',
      pattern: DURATION_OR_TTL,
      parse: (text) => (text === 'ttl' ? TTL : parseDuration(text)),
      show: formatDuration,
      word: TTL,
    },
    { min, max },
  ).transform((value) => (value === TTL ? ('ttl' as const) : value))

/** Bytes. */
export const size = ({ min = 0, max = GIB }: Range = {}) =>
  measured(
    {
      title: 'size',
      expected: 'expected a size with its unit, such as 512B, 64KiB, 10MiB or 1GiB',
      pattern: SIZE,
      parse: parseSize,
      show: formatSize,
    },
    { min, max },
  )

/** A share of one. */
export const percent = () =>
  measured(
    {
      title: 'percentage',
      expected: 'expected a percentage from 0% to 100%, such as 50%',
      pattern: PERCENT,
      parse: parsePercent,
      show: formatPercent,
    },
    { min: 0, max: 1 },
  )

/** A whole number, also as text. */
export const count = ({ min = 0, max = 1_000_000 }: Range = {}) => {
  const expected = `expected a whole number from ${min} to ${max}`
  const whole = { error: expected }
  return z
    .union([z.int(whole).min(min, whole).max(max, whole), z.string().regex(/^\d{1,9}$/, whole)], whole)
    .meta({ title: `number from ${min} to ${max}` })
    .transform((value, context) => {
      const number = Number(value)
      if (number >= min && number <= max) return number
      context.addIssue({ code: 'custom', message: expected })
      return z.NEVER
    })
}

/** true or false, also as text. */
export const flag = () =>
  z
    .union([z.boolean(), z.enum(['true', 'false'])], { error: 'expected true or false' })
    .meta({ title: '`true` or `false`' })
    .transform((value) => value === true || value === 'true')

/** Text that is not empty. YAML reads `123` as a number, so the message names the quotes. */
export const text = (expected = 'expected text (put numbers in quotes)') =>
  z.string({ error: expected }).min(1, { error: expected }).meta({ title: 'text' })

/** A program and its arguments. */
export const argv = (program: string) =>
  z
    .array(text().meta({ example: program }), {
      error: 'expected a list: the program, then its arguments. No shell is involved',
    })
    .min(1, { error: 'expected a program' })
    .meta({ title: 'list: program and arguments', example: [program, '--now'] })

export type StatusRange = Readonly<{ from: number; to: number }>

const STATUSES = /^[1-5]\d\d(-[1-5]\d\d)?(,[1-5]\d\d(-[1-5]\d\d)?)*$/
const STATUSES_EXPECTED = 'expected status codes such as 200, 200-399 or 200-399,404'

export function parseStatuses(list: string): readonly StatusRange[] | undefined {
  if (!STATUSES.test(list)) return undefined
  const ranges = list.split(',').map((each): StatusRange => {
    const [from, to = from] = each.split('-').map(Number)
    return { from: from ?? Number.NaN, to: to ?? Number.NaN }
  })
  return ranges.every(({ from, to }) => from <= to) ? ranges : undefined
}

const refusal = { error: STATUSES_EXPECTED }

export const statuses = () =>
  z
    .union([z.int(refusal).min(100, refusal).max(599, refusal), z.string().regex(STATUSES, refusal)], refusal)
    .meta({ title: 'status codes' })
    .transform((value, context) => {
      const ranges = parseStatuses(String(value))
      if (ranges !== undefined) return ranges
      context.addIssue({ code: 'custom', message: STATUSES_EXPECTED })
      return z.NEVER
    })
