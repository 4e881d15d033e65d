// What a broken-off stream says.
import { constants } from 'node:http2'
import { expect, test } from 'vitest'
import { streamFailure } from '../../../src/wire/http2-reset.ts'

const coded = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code })

test.each([
  ['REFUSED_STREAM', 'unprocessed'],
  ['HTTP_1_1_REQUIRED', 'protocol'],
  ['PROTOCOL_ERROR', 'protocol'],
  ['ENHANCE_YOUR_CALM', 'protocol'],
  ['INTERNAL_ERROR', 'reset'],
  ['CANCEL', 'reset'],
  ['NO_ERROR', 'reset'],
])('%s before the head: %s; behind it the answer is cut off, whatever the code', (name, kind) => {
  const code = constants[`NGHTTP2_${name}` as 'NGHTTP2_CANCEL']
  const error = coded('ERR_HTTP2_STREAM_ERROR')
  expect(streamFailure(code, error, false).kind).toBe(kind)
  expect(streamFailure(code, error, true).kind).toBe('truncated')
})

test.each([
  ['ERR_HTTP2_ERROR', 'protocol'],
  ['ETIMEDOUT', 'timeout'],
] as const)('what broke the connection is what broke the stream: %s', (code, kind) => {
  for (const headSeen of [true, false]) {
    expect(streamFailure(constants.NGHTTP2_INTERNAL_ERROR, coded(code), headSeen).kind).toBe(kind)
  }
})
