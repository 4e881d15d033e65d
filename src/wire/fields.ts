/**
 * The field lines of one head, scanned once and strictly (RFC 9112 §5): positions into the text, no string per field.
 * Fields that the proxy acts on are recognised while scanning.
 */

/** What the proxy acts on. `ORDINARY` fields are passed on as they came. */
export const FIELD = {
  ORDINARY: 0,
  HOST: 1,
  CONTENT_LENGTH: 2,
  TRANSFER_ENCODING: 3,
  CONNECTION: 4,
  /** Hop-by-hop without any meaning to us (RFC 9110 §7.6.1): dropped. */
  HOP_BY_HOP: 5,
  UPGRADE: 6,
  EXPECT: 7,
  FORWARDED: 8,
  REQUEST_ID: 9,
  UNDERSTUDY: 10,
  KEEP_ALIVE: 11,
  VIA: 12,
  IDEMPOTENCY_KEY: 13,
} as const
export type FieldKind = (typeof FIELD)[keyof typeof FIELD]

const KINDS: ReadonlyMap<string, FieldKind> = new Map<string, FieldKind>([
  ['host', FIELD.HOST],
  ['content-length', FIELD.CONTENT_LENGTH],
  ['transfer-encoding', FIELD.TRANSFER_ENCODING],
  ['connection', FIELD.CONNECTION],
  ['proxy-connection', FIELD.HOP_BY_HOP],
  ['te', FIELD.HOP_BY_HOP],
  ['http2-settings', FIELD.HOP_BY_HOP],
  ['keep-alive', FIELD.KEEP_ALIVE],
  ['upgrade', FIELD.UPGRADE],
  ['expect', FIELD.EXPECT],
  ['forwarded', FIELD.FORWARDED],
  ['x-real-ip', FIELD.FORWARDED],
  ['client-cert', FIELD.FORWARDED],
  ['client-cert-chain', FIELD.FORWARDED],
  ['x-request-id', FIELD.REQUEST_ID],
  ['via', FIELD.VIA],
  ['idempotency-key', FIELD.IDEMPOTENCY_KEY],
])

type Known = Readonly<{ name: string; kind: FieldKind }>

const LONGEST = 32
/** By length and first letter, which rule out nearly every other name. */
const knownNames: readonly Known[][] = Array.from({ length: LONGEST * 32 }, () => [])
for (const [name, kind] of KINDS) knownNames[name.length * 32 + (name.charCodeAt(0) & 31)]?.push({ name, kind })
/** Families of names that only the proxy may use. */
const PREFIXES: readonly Known[] = [
  { name: 'understudy-', kind: FIELD.UNDERSTUDY },
  { name: 'x-forwarded-', kind: FIELD.FORWARDED },
]

const TOKEN = 1
const VALUE = 2
/** RFC 9110 §5.6.2 token characters, and §5.5 field values: visible, space, tab and obs-text. */
const characters = new Uint8Array(256)
for (const c of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
  characters[c.charCodeAt(0)] = TOKEN
}
for (let code = 0; code < 256; code++) {
  if (code === 9 || (code >= 32 && code !== 127)) characters[code] = (characters[code] ?? 0) | VALUE
}

export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!((characters[text.charCodeAt(i)] ?? 0) & TOKEN)) return false
  return text.length > 0
}

export function isFieldText(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!((characters[text.charCodeAt(i)] ?? 0) & VALUE)) return false
  return true
}

const ZERO = 48
const COLON = 58
const SPACE = 32
const TAB = 9

export class Fields {
  text = ''
  count = 0
  private readonly lineStarts: number[] = []
  private readonly nameEnds: number[] = []
  private readonly valueStarts: number[] = []
  private readonly valueEnds: number[] = []
  private readonly kinds: FieldKind[] = []

  /** Scans from `at` to the empty line that ends the text. Returns what is wrong, or null. */
  scan(text: string, at: number, maximum: number): string | null {
    this.text = text
    this.count = 0
    const end = text.length - 2
    let start = at
    while (start < end) {
      if (this.count === maximum) return 'too many fields'
      const lineEnd = text.indexOf('\r\n', start)
      const problem = this.scanLine(text, start, lineEnd)
      if (problem) return problem
      start = lineEnd + 2
    }
    return null
  }

  private scanLine(text: string, start: number, lineEnd: number): string | null {
    let colon = start
    while (colon < lineEnd && (characters[text.charCodeAt(colon)] ?? 0) & TOKEN) colon++
    if (text.charCodeAt(colon) !== COLON || colon === start || colon >= lineEnd) return 'malformed field line'
    let from = colon + 1
    let to = lineEnd
    while (from < to && isBlank(text.charCodeAt(from))) from++
    while (to > from && isBlank(text.charCodeAt(to - 1))) to--
    if (!isFieldText(text, from, to)) return 'control character in a field value'
    const index = this.count++
    this.lineStarts[index] = start
    this.nameEnds[index] = colon
    this.valueStarts[index] = from
    this.valueEnds[index] = to
    this.kinds[index] = kindOf(text, start, colon)
    return null
  }

  kind(index: number): FieldKind {
    return this.kinds[index] ?? FIELD.ORDINARY
  }

  lineStart(index: number): number {
    return this.lineStarts[index] ?? 0
  }

  /** Where the next line starts. */
  lineEnd(index: number): number {
    return index + 1 < this.count ? this.lineStart(index + 1) : this.text.length - 2
  }

  name(index: number): string {
    return this.text.slice(this.lineStarts[index], this.nameEnds[index])
  }

  value(index: number): string {
    return this.text.slice(this.valueStarts[index], this.valueEnds[index])
  }

  /** The value of the first field of that name (lower case), or null. For fields off the ordinary path. */
  find(name: string): string | null {
    for (let i = 0; i < this.count; i++) {
      const length = (this.nameEnds[i] ?? 0) - (this.lineStarts[i] ?? 0)
      if (length === name.length && this.name(i).toLowerCase() === name) return this.value(i)
    }
    return null
  }
}

const isBlank = (code: number): boolean => code === SPACE || code === TAB

function kindOf(text: string, from: number, to: number): FieldKind {
  const length = to - from
  const candidates = length < LONGEST ? knownNames[length * 32 + (text.charCodeAt(from) & 31)] : undefined
  if (candidates) for (const { name, kind } of candidates) if (beginsWith(text, from, name)) return kind
  for (const { name, kind } of PREFIXES) if (length >= name.length && beginsWith(text, from, name)) return kind
  return FIELD.ORDINARY
}

/** `name`: lower case, of letters and hyphens, in a text of token characters. Nothing is allocated: it is asked of every field. */
function beginsWith(text: string, from: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) if ((text.charCodeAt(from + i) | 32) !== name.charCodeAt(i)) return false
  return true
}

/** The members of a comma-separated list (RFC 9110 §5.6.1), lower case, empty ones left out. */
export function listMembers(value: string): string[] {
  return value
    .toLowerCase()
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '')
}

/** RFC 9112 §6.3: digits only, and exactly representable. Null: invalid. */
export function parseLength(value: string): number | null {
  if (value.length === 0 || value.length > 16) return null
  let length = 0
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - ZERO
    if (digit < 0 || digit > 9) return null
    length = length * 10 + digit
  }
  return Number.isSafeInteger(length) ? length : null
}
