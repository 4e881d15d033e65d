import { describe, expect, it } from 'vitest'
import { HttpAnswer, type Progress } from '../../../src/probe/http-answer.ts'
import { cut } from '../../support/signal.ts'

function read(text: string, wanted: string | null = null): { answer: HttpAnswer; progress: Progress } {
  const answer = new HttpAnswer(wanted)
  return { answer, progress: answer.push(Buffer.from(text, 'latin1')) }
}

const head = (...fields: string[]) => `HTTP/1.1 200 OK\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`

describe('the head of an answer', () => {
  it('is enough when no body was asked for', () => {
    const { answer, progress } = read(head('Content-Length: 1000'))
    expect(progress).toBe('complete')
    expect(answer).toMatchObject({ status: 200, closes: false, match: 'not-asked' })
  })

  it.each([
    ['without a reason', 'HTTP/1.1 204 \r\n\r\n', 204],
    ['without a space before the missing reason', 'HTTP/1.1 204\r\n\r\n', 204],
    ['of HTTP/1.0', 'HTTP/1.0 301 Moved\r\n\r\n', 301],
    [
      'after interim answers',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
      200,
    ],
    ['that switches protocols', 'HTTP/1.1 101 Switching\r\n\r\n', 101],
  ])('is understood %s', (_name, text, status) => {
    expect(read(text)).toMatchObject({ progress: 'complete', answer: { status } })
  })

  it('says whether the connection is to be closed, among other options too', () => {
    expect(read(head('Connection: keep-alive, Close')).answer.closes).toBe(true)
    expect(read(head('Connection: closed')).answer.closes).toBe(false)
  })

  it.each([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['HTTP/2', 'HTTP/2 200 OK\r\n\r\n'],
    ['a status that is no number', 'HTTP/1.1 2x0 OK\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n'],
    ['a field without a colon', head('Nonsense')],
    ['a space before the colon', head('Content-Length : 5')],
    ['a folded line', head('A: b', ' c')],
    ['a control character', head('A: b\0c')],
    ['a bare line feed', 'HTTP/1.1 200 OK\nA: b\r\n\r\n'],
    ['two lengths', head('Content-Length: 5', 'Transfer-Encoding: chunked')],
    ['lengths that differ', head('Content-Length: 5', 'Content-Length: 6')],
    ['a length that is no number', head('Content-Length: +5')],
    ['an unknown coding', head('Transfer-Encoding: gzip, chunked')],
    ['more than 16 KiB, complete', head(`A: ${'x'.repeat(17_000)}`)],
    ['more than 16 KiB, incomplete', `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(17_000)}`],
    ['interim answers without end', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(9)],
  ])('is refused with %s', (_name, text) => {
    const { progress, answer } = read(text)
    expect(progress).toBe('invalid')
    expect(answer.problem).not.toBe('')
  })

  it('may repeat the same length', () => {
    expect(read(head('Content-Length: 5', 'Content-Length: 5')).progress).toBe('complete')
  })

  it('is waited for while it may still come', () => {
    expect(read('HTTP').progress).toBe('more')
    expect(read('HTTP/1.1 200 OK\r\n').progress).toBe('more')
  })
})

describe('the body of an answer', () => {
  it.each([
    ['by length', `${head('Content-Length: 8')}all fine`],
    ['in chunks', `${head('Transfer-Encoding: chunked')}5\r\nall f\r\n3;x=y\r\nine\r\n0\r\n\r\n`],
    ['until the close', `${head()}all fine`],
  ])('is searched %s, however its bytes arrive', (_name, text) => {
    for (let at = 1; at < text.length; at++) {
      const answer = new HttpAnswer('all fine')
      const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = cut(Buffer.from(text), [at])
      const progress = answer.push(first) === 'complete' ? 'complete' : answer.push(second)
      expect(progress, `cut at ${at}`).toBe('complete')
      expect(answer.match).toBe('found')
    }
    const answer = new HttpAnswer('all fine')
    for (const byte of Buffer.from(text)) answer.push(Buffer.of(byte))
    expect(answer.match).toBe('found')
  })

  it.each([
    ['by length', `${head('Content-Length: 4')}down all fine`],
    ['in chunks', `${head('Transfer-Encoding: chunked')}4\r\ndown\r\n0\r\n\r\nall fine`],
    ['when there cannot be one', 'HTTP/1.1 204 No Content\r\nContent-Length: 8\r\n\r\nall fine'],
  ])('is known to lack the text at its end: %s', (_name, text) => {
    expect(read(text, 'all fine')).toMatchObject({ progress: 'complete', answer: { match: 'missing' } })
  })

  it('is waited for, and only a body without a length ends with the connection', () => {
    const counted = read(`${head('Content-Length: 8')}all`, 'all fine')
    expect(counted.progress).toBe('more')
    expect(counted.answer.endsWithClose).toBe(false)
    const chunked = read(`${head('Transfer-Encoding: chunked')}8\r\nall`, 'all fine')
    expect([chunked.progress, chunked.answer.endsWithClose]).toEqual(['more', false])
    const open = read(`${head()}all`, 'all fine')
    expect([open.progress, open.answer.endsWithClose]).toEqual(['more', true])
  })

  it('is read no further than 64 KiB', () => {
    const { progress, answer } = read(`${head()}${'x'.repeat(65_536)}all fine`, 'all fine')
    expect([progress, answer.match]).toEqual(['complete', 'beyond-limit'])
  })

  it.each([
    ['a size that is no number', 'x\r\n'],
    ['a size with a sign', '+5\r\n'],
    ['a size without end', '1'.repeat(2_000)],
    ['a chunk that is longer than it says', '2\r\nall\r\n'],
  ])('is refused with %s', (_name, body) => {
    expect(read(`${head('Transfer-Encoding: chunked')}${body}`, 'all fine').progress).toBe('invalid')
  })
})
