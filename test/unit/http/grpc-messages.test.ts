import { describe, expect, test } from 'vitest'
import { GrpcMessages, isGrpc } from '../../../src/http/grpc-messages.ts'

test.each([
  ['application/grpc', true],
  ['application/grpc+proto', true],
  ['application/grpc;charset=utf-8', true],
  ['Application/gRPC', true],
  ['application/grpc-web', false],
  ['application/grpc-web-text+proto', false],
  ['application/grpcish', false],
  ['text/application/grpc', false],
  ['', false],
])('%j is gRPC: %s', (type, grpc) => {
  expect(isGrpc(type)).toBe(grpc)
})

describe('the messages of a body', () => {
  const message = (length: number): Buffer => {
    const bytes = Buffer.alloc(5 + length, 0xff)
    bytes[0] = 0
    bytes.writeUInt32BE(length, 1)
    return bytes
  }
  const body = Buffer.concat([message(0), message(3), message(300), message(3_000)])
  const ends = new Set([0, 5, 13, 318, 3_323])

  test('end where their lengths say, whatever pieces they come in', () => {
    for (const size of [1, 2, 5, 7, 4_096, body.length]) {
      const messages = new GrpcMessages()
      for (let at = 0; at < body.length; at += size) {
        expect([size, at, messages.within]).toEqual([size, at, !ends.has(at)])
        messages.read(body.subarray(at, at + size))
      }
      expect(messages.within).toBe(false)
    }
  })

  test('may be as long as four bytes can say', () => {
    const messages = new GrpcMessages()
    messages.read(Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1]))
    expect(messages.within).toBe(true)
  })
})
