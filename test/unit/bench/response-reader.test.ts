import { describe, expect, it } from 'vitest'
import { type Reading, ResponseReader } from '../../../bench/load/response-reader.ts'

const read = (...chunks: string[]): Reading => {
  const reader = new ResponseReader()
  return chunks.map((chunk) => reader.push(Buffer.from(chunk))).at(-1) ?? { state: 'more' }
}

const bodyOf = (reading: Reading): string | null => (reading.state === 'done' ? reading.answer.body.toString() : null)

describe('an answer is complete', () => {
  it('when Content-Length bytes are there, however they are split', () => {
    const text = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
    expect(bodyOf(read(...text))).toBe('hello')
    expect(bodyOf(read(text.slice(0, -1)))).toBeNull()
  })

  it('when a long body has come in many pieces, in their order', () => {
    const pieces = Array.from({ length: 200 }, (_, i) => `${i};`.padEnd(1_000, '.'))
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${pieces.length * 1_000}\r\n\r\n`
    expect(bodyOf(read(head, ...pieces))).toBe(pieces.join(''))
    expect(bodyOf(read(head, ...pieces.slice(1)))).toBeNull()
  })

  it('when the last chunk is there', () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
    expect(bodyOf(read(head, '3\r\nhel\r\n', '2\r\nlo\r\n', '0\r\n\r\n'))).toBe('hello')
    expect(read(head, '3\r\nhel\r\n').state).toBe('more')
  })

  it('at the close when nothing else delimits it', () => {
    const reader = new ResponseReader()
    expect(reader.push(Buffer.from('HTTP/1.0 503 Service Unavailable\r\n\r\nsorry')).state).toBe('more')
    const reading = reader.end()
    expect(bodyOf(reading)).toBe('sorry')
    expect(reading).toMatchObject({ answer: { status: 503, keepAlive: false } })
  })

  it('after interim answers', () => {
    expect(bodyOf(read('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))).toBe('ok')
  })
})

describe('a connection is kept', () => {
  it('unless the answer says close', () => {
    expect(read('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')).toMatchObject({ answer: { keepAlive: true } })
    expect(read('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')).toMatchObject({
      answer: { keepAlive: false },
    })
  })
})

describe('an answer is broken', () => {
  it('when it is not HTTP', () => expect(read('SMTP ready\r\n\r\n').state).toBe('broken'))

  it('when more bytes come than belong to it', () => {
    expect(read('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok?').state).toBe('broken')
  })
})
