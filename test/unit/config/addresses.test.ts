import { describe, expect, it } from 'vitest'
import {
  collide,
  isLoopback,
  type ListenAddress,
  parseListen,
  parseNetwork,
  parseUpstreamUrl,
  reaches,
} from '../../../src/config/addresses.ts'

function listen(text: string): ListenAddress {
  const address = parseListen(text)
  if (address === undefined) throw new Error(`not an address: ${text}`)
  return address
}

describe('an address to listen on', () => {
  it.each([
    ['0.0.0.0:8080', { kind: 'tcp', host: '0.0.0.0', port: 8080 }],
    [':8080', { kind: 'tcp', host: '', port: 8080 }],
    ['[::1]:80', { kind: 'tcp', host: '::1', port: 80 }],
    ['LocalHost:0', { kind: 'tcp', host: 'localhost', port: 0 }],
    ['unix:/run/u.sock', { kind: 'unix', path: '/run/u.sock' }],
  ])('is read from %s', (text, address) => {
    expect(parseListen(text)).toEqual({ ...address, text })
  })

  it.each([
    '8080',
    '',
    ':',
    'host',
    'host:',
    '::1:80',
    '[::g]:80',
    '1.2.3:80',
    '300.1.1.1:80',
    'a b:80',
    'h:65536',
    'unix:rel',
    'http://h:80',
  ])('is not read from %j', (text) => {
    expect(parseListen(text)).toBeUndefined()
  })

  it.each([
    ['127.0.0.1:1', true],
    ['127.8.8.8:1', true],
    ['[::1]:1', true],
    ['localhost:1', true],
    ['unix:/s', true],
    [':1', false],
    ['0.0.0.0:1', false],
    ['[::]:1', false],
    ['10.0.0.1:1', false],
    ['127.evil.example:1', false],
  ])('%s is loopback: %s', (text, expected) => {
    expect(isLoopback(listen(text))).toBe(expected)
  })

  it.each([
    ['0.0.0.0:80', '127.0.0.1:80', true],
    [':80', '10.0.0.1:80', true],
    ['[::]:80', '127.0.0.1:80', true],
    ['127.0.0.1:80', '127.0.0.1:80', true],
    ['127.0.0.1:80', '127.0.0.2:80', false],
    ['0.0.0.0:80', '0.0.0.0:81', false],
    ['127.0.0.1:0', '127.0.0.1:0', false],
    ['unix:/a', 'unix:/a', true],
    ['unix:/a', 'unix:/b', false],
    ['unix:/a', ':80', false],
  ])('%s collides with %s: %s', (one, other, expected) => {
    expect(collide(listen(one), listen(other))).toBe(expected)
    expect(collide(listen(other), listen(one))).toBe(expected)
  })
})

describe('the URL of an upstream', () => {
  it.each([
    ['http://10.0.0.1:3000', { protocol: 'http', host: '10.0.0.1', port: 3000 }],
    ['http://10.0.0.1:3000/', { protocol: 'http', host: '10.0.0.1', port: 3000 }],
    ['HTTPS://App.Internal', { protocol: 'https', host: 'app.internal', port: 443 }],
    ['http://my_service', { protocol: 'http', host: 'my_service', port: 80 }],
    ['http://[FE80::1]:81', { protocol: 'http', host: 'fe80::1', port: 81 }],
    ['tcp://h:5432', { protocol: 'tcp', host: 'h', port: 5432 }],
    ['H2://h', { protocol: 'h2', host: 'h', port: 443 }],
    ['h2://h:8443', { protocol: 'h2', host: 'h', port: 8443 }],
    ['h2c://h', { protocol: 'h2c', host: 'h', port: 80 }],
    ['tls://h:5432', { protocol: 'tls', host: 'h', port: 5432 }],
    ['unix:/run/app.sock', { protocol: 'unix', host: '', port: 0, path: '/run/app.sock' }],
  ])('is read from %s', (text, url) => {
    expect(parseUpstreamUrl(text)).toEqual({ ...url, text })
  })

  it.each([
    'h:80',
    'http://',
    'http://:80',
    'http://h:0',
    'http://h:99999',
    'http://h/path',
    'http://h?q',
    'http://h#f',
    'http://u:p@h',
    'http://u@h:80',
    'ftp://h',
    'tcp://h',
    'tls://h',
    'h2s://h',
    'http://a b',
    'http://-h',
    'http://h..x',
    'http://10.0.1:80',
    'http://[::1',
    'http://h\u0000',
    'http://hé',
  ])('is not read from %j', (text) => {
    expect(parseUpstreamUrl(text)).toBeUndefined()
  })

  it.each([
    ['http://127.0.0.1:80', '0.0.0.0:80', true],
    ['http://localhost:80', ':80', true],
    ['http://10.0.0.1:80', '10.0.0.1:80', true],
    ['http://10.0.0.1:80', '0.0.0.0:80', false],
    ['http://127.0.0.1:81', '0.0.0.0:80', false],
    ['unix:/a', 'unix:/a', true],
    ['http://127.0.0.1:80', 'unix:/a', false],
  ])('%s reaches our own %s: %s', (url, address, expected) => {
    const parsed = parseUpstreamUrl(url)
    expect(parsed !== undefined && reaches(parsed, listen(address))).toBe(expected)
  })
})

describe('a trusted proxy', () => {
  it.each([
    ['10.0.0.1', { address: '10.0.0.1', prefix: 32, family: 'ipv4' }],
    ['10.0.0.0/8', { address: '10.0.0.0', prefix: 8, family: 'ipv4' }],
    ['::1', { address: '::1', prefix: 128, family: 'ipv6' }],
    ['fd00::/8', { address: 'fd00::', prefix: 8, family: 'ipv6' }],
  ])('is read from %s', (text, network) => {
    expect(parseNetwork(text)).toEqual({ ...network, text })
  })

  it.each(['10.0.0.0/33', '::/129', '10.0.0', 'host', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', ''])(
    'is not read from %j',
    (text) => {
      expect(parseNetwork(text)).toBeUndefined()
    },
  )
})
