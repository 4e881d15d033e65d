import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Endpoint, ProxyProtocolMode } from '../../../src/wire/arrival.ts'
import { checksumOf } from '../../../src/wire/crc32c.ts'
import { proxyHeader } from '../../../src/wire/proxy-header-writer.ts'
import type { ProxyHeaderRead } from '../../../src/wire/proxy-protocol.ts'
import { readProxyHeader } from '../../../src/wire/proxy-protocol.ts'
import { extension, header, TCP4, v2 } from './support/proxy-headers.ts'

type Mode = Exclude<ProxyProtocolMode, 'off'>

const MODES: readonly Mode[] = ['v1', 'v2', 'either', 'optional']
const OPEN = { source: null, destination: null }

const v1 = (text: string, mode: Mode = 'v1'): ProxyHeaderRead => readProxyHeader(Buffer.from(text, 'latin1'), mode)
const complete = (source: Endpoint | null, destination: Endpoint | null, next: number) => ({
  state: 'complete',
  header: { source, destination },
  next,
})

describe('a header of version 1', () => {
  it('tells both ends, IPv6 addresses in their one spelling', () => {
    expect(v1('PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\nGET /')).toEqual(
      complete({ address: '192.0.2.1', port: 56_324 }, { address: '198.51.100.7', port: 443 }, 45),
    )
    expect(v1('PROXY TCP6 2001:0DB8:0:0:0::1 ::FFFF:c000:201 0 65535\r\n')).toEqual(
      complete({ address: '2001:db8::1', port: 0 }, { address: '192.0.2.1', port: 65_535 }, 55),
    )
  })

  it.each(['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ffff::1 ::2 65535 99999\r\n', 'PROXY UNKNOWN \0anything\xff\r\n'])(
    'leaves the ends open when it says UNKNOWN: %j',
    (line) => expect(v1(`${line}rest`)).toEqual(complete(null, null, line.length)),
  )

  it.each([
    'PROXY TCP4 192.0.2.1 198.51.100.7 1 2\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 1 2\r\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 1 2\rX',
    'PROXY UNKNOWN\n',
    'PROXY UNKNOWN\rPROXY UNKNOWN\r\n',
    'PROXY UNKNOWNS\r\n',
    'PROXY \r\n',
    'PROXY TCP5 192.0.2.1 198.51.100.7 1 2\r\n',
    'PROXY tcp4 192.0.2.1 198.51.100.7 1 2\r\n',
    'PROXY TCP4\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 1\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 1 2 3\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 1 2 \r\n',
    'PROXY TCP4  192.0.2.1 198.51.100.7 1 2\r\n',
    'PROXY  TCP4 192.0.2.1 198.51.100.7 1 2\r\n',
    'PROXY TCP4\t192.0.2.1 198.51.100.7 1 2\r\n',
    'PROXY TCP4 192.0.02.1 198.51.100.7 1 2\r\n',
    'PROXY TCP4 192.0.2.256 198.51.100.7 1 2\r\n',
    'PROXY TCP4 192.0.2 198.51.100.7 1 2\r\n',
    'PROXY TCP4 192.0.2.0x1 198.51.100.7 1 2\r\n',
    'PROXY TCP4 localhost 198.51.100.7 1 2\r\n',
    'PROXY TCP4 ::1 ::1 1 2\r\n',
    'PROXY TCP6 192.0.2.1 198.51.100.7 1 2\r\n',
    'PROXY TCP6 ::1 192.0.2.1 1 2\r\n',
    'PROXY TCP6 [::1] ::1 1 2\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n',
    'PROXY TCP6 1::2::3 ::1 1 2\r\n',
    'PROXY TCP6 12345::1 ::1 1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 01 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 1 65536\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 +1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 -1 2\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.7 0x1 2\r\n',
    `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`,
    `PROXY UNKNOWN ${'x'.repeat(200)}`,
  ])('is refused in any other form: %j', (text) => {
    expect(v1(text)).toMatchObject({ state: 'malformed' })
  })

  it('may have 107 bytes, line end and all', () => {
    const line = `PROXY UNKNOWN ${'x'.repeat(91)}\r\n`
    expect(line.length).toBe(107)
    expect(v1(line)).toEqual(complete(null, null, 107))
  })
})

describe('a header of version 2', () => {
  it('tells both ends of an IPv4 or IPv6 stream', () => {
    const ends = [
      { address: '192.0.2.1', port: 56_132 },
      { address: '198.51.100.7', port: 443 },
    ] as const
    expect(readProxyHeader(v2(0x21, 0x11, TCP4), 'v2')).toEqual(complete(...ends, 28))
    const block = Buffer.from('20010db800000000000000000000000100000000000000000000ffffc0000201000101bb', 'hex')
    expect(readProxyHeader(v2(0x21, 0x21, block), 'v2')).toEqual(
      complete({ address: '2001:db8::1', port: 1 }, { address: '192.0.2.1', port: 443 }, 52),
    )
  })

  it.each([
    ['the proxy itself connects', 0x20, 0x00, Buffer.alloc(0)],
    ['the proxy itself connects, whatever else is in the header', 0x20, 0xf7, Buffer.from('any bytes')],
    ['the family is unspecified', 0x21, 0x00, Buffer.from('any bytes')],
    ['the protocol is unspecified', 0x21, 0x10, TCP4],
    ['the client came by a unix socket', 0x21, 0x31, Buffer.alloc(216)],
  ])('leaves the ends open when %s', (_when, command, family, block) => {
    const bytes = v2(command, family, block)
    expect(readProxyHeader(Buffer.concat([bytes, Buffer.from('rest')]), 'v2')).toEqual(
      complete(null, null, bytes.length),
    )
  })

  it.each([
    ['another version', v2(0x11, 0x11, TCP4)],
    ['another version with LOCAL', v2(0x30, 0x11, TCP4)],
    ['an unknown command', v2(0x22, 0x11, TCP4)],
    ['a datagram', v2(0x21, 0x12, TCP4)],
    ['an unknown family', v2(0x21, 0x41, TCP4)],
    ['an unknown protocol', v2(0x21, 0x13, TCP4)],
    ['a block too short for IPv4', v2(0x21, 0x11, TCP4.subarray(0, 11))],
    ['a block too short for IPv6', v2(0x21, 0x21, TCP4)],
    ['a block too short for a unix socket', v2(0x21, 0x31, Buffer.alloc(215))],
    ['an extension without its length', v2(0x21, 0x11, Buffer.concat([TCP4, Buffer.from([4, 0])]))],
    ['an extension longer than the header', v2(0x21, 0x11, Buffer.concat([TCP4, Buffer.from([4, 0, 1])]))],
    ['more than 4 KiB', v2(0x21, 0x11, Buffer.concat([TCP4, extension(4, Buffer.alloc(4_096 - 16 - 12 - 2))]))],
  ])('is refused with %s', (_what, bytes) => {
    expect(readProxyHeader(bytes, 'v2')).toMatchObject({ state: 'malformed' })
  })

  it('may carry extensions up to 4 KiB in all', () => {
    const rest = extension(4, Buffer.alloc(4_096 - 16 - 12 - 3 - 5 - 3))
    const bytes = v2(0x21, 0x11, Buffer.concat([TCP4, extension(0x02, Buffer.from('a.com')), rest]))
    expect(bytes.length).toBe(4_096)
    expect(readProxyHeader(bytes, 'v2')).toMatchObject({ state: 'complete', next: 4_096 })
  })

  describe('with a checksum', () => {
    const sum = (value: number): Buffer => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(value)
      return extension(0x03, bytes)
    }
    const from = 16 + 12 + 3

    it('is accepted when it holds, and refused with any bit of the header changed', () => {
      const unsigned = v2(0x21, 0x11, Buffer.concat([TCP4, sum(0), extension(0x02, Buffer.from('a.com'))]))
      const bytes = Buffer.from(unsigned)
      bytes.writeUInt32BE(checksumOf(unsigned, from), from)
      expect(readProxyHeader(bytes, 'v2')).toMatchObject({ state: 'complete', next: bytes.length })
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const changed = Buffer.from(bytes)
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        const read = readProxyHeader(changed, 'v2')
        // A changed command or family may leave the ends open, and a changed type may leave no checksum behind.
        const harmless = bit >> 3 === 12 || bit >> 3 === 13 || bit >> 3 === 16 + 12
        if (!harmless) expect({ bit, state: read.state }).not.toEqual({ bit, state: 'complete' })
      }
    })

    it('has the value that everybody computes', () => {
      expect(checksumOf(Buffer.from('123456789'), -4)).toBe(0xe306_9283)
    })

    it('is refused when there are two, or one of another size', () => {
      const twice = v2(0x21, 0x11, Buffer.concat([TCP4, sum(0), sum(0)]))
      const short = v2(0x21, 0x11, Buffer.concat([TCP4, extension(0x03, Buffer.alloc(3))]))
      expect(readProxyHeader(twice, 'v2')).toMatchObject({ state: 'malformed' })
      expect(readProxyHeader(short, 'v2')).toMatchObject({ state: 'malformed' })
    })
  })
})

describe('a connection without a header of an accepted version', () => {
  const one = proxyHeader('v1', { address: '192.0.2.1', port: 1 }, { address: '192.0.2.2', port: 2 })
  const two = v2(0x21, 0x11, TCP4)

  it.each([
    ['v1', two],
    ['v2', one],
    ['either', Buffer.from('GET / HTTP/1.1\r\n')],
    ['either', Buffer.from('PROXI')],
    ['either', Buffer.from('PROXY\tTCP4')],
    ['either', Buffer.from('proxy ')],
    ['either', Buffer.from('\r\nGET')],
    ['either', Buffer.from('\r\n\r\n\r')],
    ['optional', Buffer.from([22, 3, 1])],
  ] as const)('is told by its first bytes (%s)', (mode, bytes) => {
    expect(readProxyHeader(bytes, mode)).toEqual({ state: 'absent' })
  })

  it('waits for the first byte, and while what came may still become a header', () => {
    for (const mode of MODES) expect(readProxyHeader(Buffer.alloc(0), mode)).toEqual({ state: 'partial' })
    expect(readProxyHeader(Buffer.from('PROX'), 'optional')).toEqual({ state: 'partial' })
    expect(readProxyHeader(Buffer.from('\r\n\r\n'), 'optional')).toEqual({ state: 'partial' })
  })
})

describe('bytes that somebody made up', () => {
  const block = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes))
  const beginning = fc.oneof(
    header.map((made) => proxyHeader(made.version, made.source, made.destination)),
    fc.tuple(fc.nat(255), fc.nat(255), block).map(([command, family, rest]) => v2(command, family, rest)),
    fc.constantFrom('PROXY UNKNOWN', 'PROXY TCP4 1.2.3.4 1.2.3.4', 'PROXY ').map((text) => Buffer.from(text)),
    block,
  )
  const mutation = fc.record({ at: fc.nat(70), byte: fc.oneof(fc.nat(255), fc.constantFrom(10, 13, 32, 48)) })

  it('never throw, and more bytes never change what has been decided', () => {
    const property = fc.property(
      beginning,
      fc.array(mutation, { maxLength: 4 }),
      block,
      fc.constantFrom(...MODES),
      (begun, mutations, rest, mode) => {
        const bytes = Buffer.concat([begun, rest])
        for (const { at, byte } of mutations) if (at < bytes.length) bytes[at] = byte
        const whole = readProxyHeader(bytes, mode)
        if (whole.state === 'complete') expect(whole.next).toBeLessThanOrEqual(bytes.length)
        for (let length = 0; length < bytes.length; length++) {
          const read = readProxyHeader(bytes.subarray(0, length), mode)
          if (read.state !== 'partial') expect(read).toEqual(whole)
          if (read.state === 'complete') expect(read.next).toBeLessThanOrEqual(length)
        }
      },
    )
    fc.assert(property, { numRuns: 1_000 })
  })

  it('never keep us waiting for more than 4 KiB', () => {
    const property = fc.property(beginning, fc.constantFrom(...MODES), (begun, mode) => {
      const bytes = Buffer.concat([begun, Buffer.alloc(4_096, 'x')])
      expect(readProxyHeader(bytes, mode).state).not.toBe('partial')
    })
    fc.assert(property)
  })

  it('say nothing of where they come from when the header leaves it open', () => {
    expect(v1('PROXY UNKNOWN 192.0.2.1 192.0.2.2 1 2\r\n', 'optional')).toMatchObject({ header: OPEN })
  })
})
