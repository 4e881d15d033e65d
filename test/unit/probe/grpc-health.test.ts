import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { healthRequest, healthStatus } from '../../../src/probe/grpc-health.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const framed = (message: string) => {
  const bytes = hex(message)
  return Buffer.concat([hex(`00 ${bytes.length.toString(16).padStart(8, '0')}`), bytes])
}

describe('the request for a health status', () => {
  it('names the service, or nothing at all', () => {
    expect(healthRequest('')).toEqual(hex('00 00000000'))
    expect(healthRequest('shop')).toEqual(hex('00 00000006 0a 04 73686f70'))
    const long = healthRequest('x'.repeat(300))
    expect(long.subarray(0, 8)).toEqual(hex('00 0000012f 0a ac02'))
    expect(long.subarray(8).toString()).toBe('x'.repeat(300))
  })
})

describe('a health status', () => {
  it.each([
    ['', 'UNKNOWN'],
    ['08 00', 'UNKNOWN'],
    ['08 01', 'SERVING'],
    ['08 02', 'NOT_SERVING'],
    ['08 03', 'SERVICE_UNKNOWN'],
    ['08 8100', 'SERVING'],
    ['08 07', 7],
    ['08 02 08 01', 'SERVING'],
  ])('is read from %s', (message, status) => {
    expect(healthStatus(framed(message))).toBe(status)
  })

  it('is found among fields that are unknown', () => {
    expect(healthStatus(framed('10 05 08 01'))).toBe('SERVING')
    expect(healthStatus(framed('08 01 12 03 616263 1d 01020304 21 0102030405060708 28 ffffffff0f'))).toBe('SERVING')
  })

  it.each([
    ['nothing', ''],
    ['half a prefix', '00 000000'],
    ['a message that is too short', '00 00000002 08'],
    ['a message that is too long', '00 00000002 08 01 00'],
    ['two messages', '00 00000002 08 01 00 00000002 08 01'],
    ['a compressed message', '01 00000002 08 01'],
    ['a tag without a value', '00 00000001 08'],
    ['a number without end', '00 0000000c 08 8080808080808080808080'],
    ['the status as text', '00 00000003 0a 01 01'],
    ['a text beyond the end', '00 00000002 12 05'],
    ['a field of an unknown type', '00 00000002 0f 01'],
    ['a group', '00 00000002 13 14'],
    ['the field 0', '00 00000002 00 01'],
    ['a fixed number that is cut off', '00 00000003 1d 01 02'],
  ])('is not read from %s', (_what, bytes) => {
    expect(healthStatus(hex(bytes))).toBe(null)
  })

  it('is never read from more than the limit, nor does any input break the reader', () => {
    expect(healthStatus(framed(`08 01 ${'10 05'.repeat(511)}`))).toBe('SERVING')
    expect(healthStatus(framed(`08 01 ${'10 05'.repeat(512)}`))).toBe(null)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const status = healthStatus(framed(Buffer.from(bytes).toString('hex')))
        expect(['string', 'number', 'object']).toContain(typeof status)
      }),
    )
  })
})
