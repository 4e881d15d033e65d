import net from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { localProxyHeader, proxyHeader } from '../../../src/wire/proxy-header-writer.ts'
import { readProxyHeader } from '../../../src/wire/proxy-protocol.ts'
import { header, TCP4, v2 } from './support/proxy-headers.ts'

/** The one spelling of an address, found by another way than the product's: the URL standard's. */
function canonical(address: string): string {
  if (net.isIPv4(address)) return address
  const text = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(text)
  if (!mapped) return text
  const [high = 0, low = 0] = mapped.slice(1).map((group) => Number.parseInt(group, 16))
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
/** inet_ntop writes ::1.2.3.4 where the URL standard writes ::102:304. */
const same = (read: string, written: string): boolean => canonical(read) === canonical(written)

describe('a header that was written', () => {
  it('reads as the same two ends, whatever follows it', () => {
    const property = fc.property(header, fc.uint8Array({ maxLength: 40 }), (written, rest) => {
      const { source, destination } = written
      const bytes = proxyHeader(written.version, source, destination)
      for (const mode of ['either', 'optional', written.version] as const) {
        const read = readProxyHeader(Buffer.concat([bytes, rest]), mode)
        if (read.state !== 'complete') throw new Error(`${read.state}: ${bytes.toString('latin1')}`)
        expect(read.next).toBe(bytes.length)
        expect(read.header.source?.port).toBe(source.port)
        expect(read.header.destination?.port).toBe(destination.port)
        expect(same(read.header.source?.address ?? '', source.address)).toBe(true)
        expect(same(read.header.destination?.address ?? '', destination.address)).toBe(true)
        // An IPv4 address is never shown in its IPv6 form.
        expect(net.isIP(read.header.source?.address ?? '')).toBe(net.isIP(canonical(source.address)))
      }
    })
    fc.assert(property, { numRuns: 500 })
  })

  it('is not complete before its last byte', () => {
    const property = fc.property(header, (written) => {
      const bytes = proxyHeader(written.version, written.source, written.destination)
      for (let length = 0; length < bytes.length; length++) {
        expect(readProxyHeader(bytes.subarray(0, length), 'either')).toEqual({ state: 'partial' })
      }
      expect(readProxyHeader(bytes, 'either').state).toBe('complete')
    })
    fc.assert(property)
  })

  it('has exactly the bytes of the specification', () => {
    const from = { address: '192.0.2.1', port: 56_132 }
    const to = { address: '198.51.100.7', port: 443 }
    const to6 = { address: '2001:db8::7', port: 443 }
    expect(proxyHeader('v1', from, to).toString()).toBe('PROXY TCP4 192.0.2.1 198.51.100.7 56132 443\r\n')
    expect(proxyHeader('v1', to6, to6).toString()).toBe('PROXY TCP6 2001:db8::7 2001:db8::7 443 443\r\n')
    expect(proxyHeader('v2', from, to)).toEqual(v2(0x21, 0x11, TCP4))
    const db87 = '20010db8000000000000000000000007'
    expect(proxyHeader('v2', to6, to6)).toEqual(v2(0x21, 0x21, Buffer.from(`${db87}${db87}01bb01bb`, 'hex')))
  })

  it('writes both ends as IPv6 when only one of them is', () => {
    const from = { address: '192.0.2.1', port: 1 }
    const to = { address: '2001:db8::7', port: 443 }
    expect(proxyHeader('v1', from, to).toString()).toBe('PROXY TCP6 ::ffff:c000:0201 2001:db8::7 1 443\r\n')
    const block = Buffer.from('00000000000000000000ffffc000020120010db8000000000000000000000007000101bb', 'hex')
    expect(proxyHeader('v2', from, to)).toEqual(v2(0x21, 0x21, block))
  })

  it('leaves the ends open for clients that have no address, and for connections of our own', () => {
    const unix = { address: 'unix', port: 0 }
    const tcp = { address: '192.0.2.1', port: 1 }
    expect(proxyHeader('v1', unix, unix).toString()).toBe('PROXY UNKNOWN\r\n')
    expect(proxyHeader('v1', tcp, unix).toString()).toBe('PROXY UNKNOWN\r\n')
    expect(proxyHeader('v2', unix, tcp)).toEqual(v2(0x21, 0, Buffer.alloc(0)))
    expect(localProxyHeader('v1').toString()).toBe('PROXY UNKNOWN\r\n')
    expect(localProxyHeader('v2')).toEqual(v2(0x20, 0, Buffer.alloc(0)))
    for (const bytes of [proxyHeader('v1', unix, tcp), proxyHeader('v2', unix, unix), localProxyHeader('v2')]) {
      expect(readProxyHeader(bytes, 'either')).toEqual({
        state: 'complete',
        header: { source: null, destination: null },
        next: bytes.length,
      })
    }
  })

  it('names a link-local client without the interface of this machine', () => {
    const from = { address: 'fe80::1%eth0', port: 1 }
    expect(proxyHeader('v1', from, { address: '::1', port: 2 }).toString()).toBe('PROXY TCP6 fe80::1 ::1 1 2\r\n')
  })
})
