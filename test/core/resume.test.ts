/** When the rest of an answer may come from another upstream, fact by fact. */
import { describe, expect, it } from 'vitest'
import type { Failure, FailureKind } from '../../src/core/failure.ts'
import type { AnswerFacts, AskedFacts, RestRefusal } from '../../src/core/resume.ts'
import { judgeRest, mayResume, rangeLines, resumable } from '../../src/core/resume.ts'

const ASKED: AskedFacts = { method: 'GET', ranged: false, plain: true }
const ANSWER: AnswerFacts = { status: 200, length: 1_000, etag: '"v1"', encoding: null, range: null }
const WHOLE = { length: 1_000, etag: '"v1"', encoding: null }
const REST: AnswerFacts = { status: 206, length: 600, etag: '"v1"', encoding: null, range: 'bytes 400-999/1000' }

describe('an answer can be gone on with', () => {
  it.each<[string, Partial<AskedFacts>, Partial<AnswerFacts>]>([
    ['by its length and strong ETag', {}, {}],
    ['with an empty ETag', {}, { etag: '""' }],
    ['with any character in the ETag that may be there', {}, { etag: '"!#~\xff"' }],
    ['encoded', {}, { encoding: 'gzip' }],
  ])('%s', (_, asked, answer) => {
    const given = { ...ANSWER, ...answer }
    const { length, etag, encoding } = given
    expect(resumable({ ...ASKED, ...asked }, given)).toEqual({ length, etag, encoding })
  })
})

describe('an answer cannot be gone on with', () => {
  it.each<[string, Partial<AskedFacts>, Partial<AnswerFacts>]>([
    ['to HEAD', { method: 'HEAD' }, {}],
    ['to POST', { method: 'POST' }, {}],
    ['to get, which is another method', { method: 'get' }, {}],
    ['to a client that asked for a range itself', { ranged: true }, {}],
    ['to a request that cannot be sent again as it was', { plain: false }, {}],
    ['that is a range itself', {}, { status: 206 }],
    ['that is an error', {}, { status: 404 }],
    ['without a length', {}, { length: null }],
    ['without an ETag', {}, { etag: null }],
    ['with a weak ETag', {}, { etag: 'W/"v1"' }],
    ['with an ETag that is not quoted', {}, { etag: 'v1' }],
    ['with two ETags in one', {}, { etag: '"v1", "v2"' }],
    ['with a space in its ETag', {}, { etag: '"v 1"' }],
  ])('%s', (_, asked, answer) => {
    expect(resumable({ ...ASKED, ...asked }, { ...ANSWER, ...answer })).toBeNull()
  })
})

it('the rest is asked for from a byte on, and on condition that it is of the same', () => {
  expect(rangeLines(WHOLE, 400)).toBe('Range: bytes=400-\r\nIf-Range: "v1"\r\n')
})

describe('the rest is taken', () => {
  it.each<[string, Partial<AnswerFacts>]>([
    ['when range, total and ETag are as asked', {}],
    ['whatever the case of the unit', { range: 'Bytes 400-999/1000' }],
  ])('%s', (_, answer) => {
    expect(judgeRest(WHOLE, 400, { ...REST, ...answer })).toBeNull()
  })

  it('from the very beginning, when nothing but the head was delivered', () => {
    expect(judgeRest(WHOLE, 0, { ...REST, length: 1_000, range: 'bytes 0-999/1000' })).toBeNull()
  })

  it.each(['gzip', null])('encoded like the beginning, when it says %s', (encoding) => {
    expect(judgeRest({ ...WHOLE, encoding: 'gzip' }, 400, { ...REST, encoding })).toBeNull()
  })
})

describe('the rest is not taken', () => {
  it.each<[string, Partial<AnswerFacts>, RestRefusal]>([
    ['when all of it is sent: it has changed', { status: 200, length: 1_000, range: null }, 'not-partial'],
    ['when there is no such range', { status: 416, range: 'bytes */1000' }, 'not-partial'],
    ['when it has not been modified', { status: 304 }, 'not-partial'],
    ['when it does not say which range it is, as with several', { range: null }, 'another-range'],
    ['when it begins later', { range: 'bytes 401-999/1000' }, 'another-range'],
    ['when it begins earlier', { range: 'bytes 0-999/1000' }, 'another-range'],
    ['when it ends earlier', { range: 'bytes 400-998/1000' }, 'another-range'],
    ['when the whole is longer', { range: 'bytes 400-999/1001' }, 'another-range'],
    ['when nobody knows how long the whole is', { range: 'bytes 400-999/*' }, 'another-range'],
    ['when the range is in another unit', { range: 'items 400-999/1000' }, 'another-range'],
    ['when there is more behind the range', { range: 'bytes 400-999/1000, bytes 0-1/1000' }, 'another-range'],
    ['when its length is not that of the range', { length: 599 }, 'another-length'],
    ['when it has no length', { length: null }, 'another-length'],
    ['when its ETag is another', { etag: '"v2"' }, 'another-etag'],
    ['when its ETag is the same, but weak', { etag: 'W/"v1"' }, 'another-etag'],
    ['when it has no ETag', { etag: null }, 'another-etag'],
    ['when it is encoded otherwise', { encoding: 'br' }, 'another-encoding'],
  ])('%s', (_, answer, refusal) => {
    expect(judgeRest(WHOLE, 400, { ...REST, ...answer })).toBe(refusal)
  })
})

describe('a cut answer is gone on with', () => {
  const failure = (kind: FailureKind): Failure => ({
    phase: 'streaming',
    blame: 'upstream',
    connection: 'fresh',
    kind,
    detail: '',
    status: 0,
  })

  it.each<FailureKind>(['truncated', 'reset', 'hang', 'aborted', 'timeout'])('after %s', (kind) => {
    expect(mayResume(failure(kind), 0, 0)).toBe(true)
  })

  it('but not after a body that broke its own framing', () => {
    expect(mayResume(failure('protocol'), 0, 0)).toBe(false)
  })

  it('three times, if each brought something', () => {
    expect([1, 2, 3].map((resumes) => mayResume(failure('truncated'), resumes, 1))).toEqual([true, true, false])
    expect(mayResume(failure('truncated'), 1, 0)).toBe(false)
  })
})
