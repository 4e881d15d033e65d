/**
 * May the rest of an answer that was cut off come from another upstream? Only of the same representation, byte for byte:
 * a strong validator says so (RFC 9110 §8.8.1, §13.1.5), the range has to be the one asked for (§14.4).
 */
import type { Failure } from './failure.ts'

export type AskedFacts = Readonly<{
  method: string
  /** It asked for a range itself, or on a condition of its own. */
  ranged: boolean
  /** It can be sent again as it was: no body, no other protocol asked for. */
  plain: boolean
}>

export type AnswerFacts = Readonly<{
  status: number
  /** Null: its end is told by something else than its length. */
  length: number | null
  etag: string | null
  encoding: string | null
  range: string | null
}>

/** What was being delivered, in the terms by which another server can be asked for the rest of it. */
export type Representation = Readonly<{ length: number; etag: string; encoding: string | null }>

/** Why the rest is not taken from an upstream's answer. `another-content`: not what had been delivered before. */
export type RestRefusal =
  | 'not-partial'
  | 'another-range'
  | 'another-length'
  | 'another-etag'
  | 'another-encoding'
  | 'another-content'

const MOST_RESUMES = 3
/** RFC 9110 §8.8.3. A weak one (`W/`) only promises the same meaning. */
const STRONG_ETAG = /^"[\x21\x23-\x7e\x80-\xff]*"$/
const CONTENT_RANGE = /^bytes ([0-9]{1,16})-([0-9]{1,16})\/([0-9]{1,16})$/i

/** Null: should it be cut off, there is no asking for the rest. */
export function resumable(asked: AskedFacts, answer: AnswerFacts): Representation | null {
  const { status, length, etag, encoding } = answer
  if (asked.method !== 'GET' || asked.ranged || !asked.plain) return null
  if (status !== 200 || length === null || etag === null || !STRONG_ETAG.test(etag)) return null
  return { length, etag, encoding }
}

/** `gained`: bytes that the last resume has brought. Whoever brings nothing would only be asked again and again. */
export function mayResume(failure: Failure, resumes: number, gained: number): boolean {
  // A body that broke the rules of its own framing is none to be continued.
  if (failure.kind === 'protocol') return false
  return resumes === 0 || (resumes < MOST_RESUMES && gained > 0)
}

/** RFC 9110 §13.1.5: the range if it is still the same representation, all of it if not. */
export function rangeLines({ etag }: Representation, from: number): string {
  return `Range: bytes=${from}-\r\nIf-Range: ${etag}\r\n`
}

export function judgeRest(whole: Representation, from: number, answer: AnswerFacts): RestRefusal | null {
  if (answer.status !== 206) return 'not-partial'
  if (!isRange(answer.range, from, whole.length)) return 'another-range'
  if (answer.length !== whole.length - from) return 'another-length'
  if (answer.etag !== whole.etag) return 'another-etag'
  // RFC 9110 §15.3.7: in an answer to If-Range it need not be said again.
  return answer.encoding === null || answer.encoding === whole.encoding ? null : 'another-encoding'
}

/** Several ranges come without Content-Range (RFC 9110 §15.3.7.2). */
function isRange(field: string | null, from: number, length: number): boolean {
  const [, first, last, total] = CONTENT_RANGE.exec(field ?? '') ?? []
  return Number(first) === from && Number(last) === length - 1 && Number(total) === length
}
