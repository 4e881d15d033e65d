import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readClientHello } from '../../../src/wire/client-hello.ts'
import { cut } from '../../support/signal.ts'
import {
  extension,
  type Fields,
  helloBody,
  message,
  messageIn,
  nodeHello,
  opensslHello,
  protocolNames,
  records,
  serverNames,
} from './support/hellos.ts'

const complete = (serverName: string, protocols: readonly string[] = []) => ({
  state: 'complete',
  serverName,
  protocols,
})
const made = (fields: Fields): Buffer => records(message(helloBody(fields)))
const asked = (name: string): Buffer => made({ extensions: serverNames([0, name]) })

/** In one piece, cut at every byte, spread over records in many ways, and with bytes behind it. */
function expectEverywhere(hello: Buffer, expected: object): void {
  for (let length = 0; length < hello.length; length++) {
    expect({ length, read: readClientHello(hello.subarray(0, length)) }).toEqual({ length, read: { state: 'partial' } })
  }
  expect(readClientHello(hello)).toEqual(expected)
  expect(readClientHello(Buffer.concat([hello, Buffer.from('whatever follows')]))).toEqual(expected)
  const property = fc.property(fc.array(fc.nat(hello.length), { maxLength: 12 }), (positions) => {
    const spread = records(...cut(messageIn(hello), positions))
    expect(readClientHello(spread)).toEqual(expected)
    expect(readClientHello(spread.subarray(0, -1))).toEqual({ state: 'partial' })
  })
  fc.assert(property, { numRuns: 50 })
  const bytewise = records(...Array.from(messageIn(hello), (byte) => Buffer.from([byte])))
  expect(readClientHello(bytewise)).toEqual(expected)
}

describe('the ClientHello of Node', () => {
  it('says which server it asks for and what it would speak, wherever it is cut', async () => {
    const hello = await nodeHello({ servername: 'Shop.Example.com', ALPNProtocols: ['h2', 'http/1.1'] })
    expectEverywhere(hello, complete('shop.example.com', ['h2', 'http/1.1']))
  })

  it('asks for nobody when it was given no name', async () => {
    expectEverywhere(await nodeHello({}), complete(''))
  })

  it('is understood in TLS 1.2 too', async () => {
    expectEverywhere(await nodeHello({ servername: 'a.example', maxVersion: 'TLSv1.2' }), complete('a.example'))
  })
})

describe('the ClientHello of openssl', () => {
  it.for([
    [
      'TLS 1.3',
      ['-servername', 'shop.example.com', '-alpn', 'h2,http/1.1'],
      complete('shop.example.com', ['h2', 'http/1.1']),
    ],
    ['TLS 1.2', ['-tls1_2', '-servername', 'shop.example.com'], complete('shop.example.com')],
    ['no name', ['-noservername'], complete('')],
  ] as const)('is understood: %s', async ([, args, expected], { skip }) => {
    const hello = await opensslHello(args)
    if (hello === null) return skip('openssl is not installed')
    expectEverywhere(hello, expected)
  })
})

describe('a ClientHello', () => {
  it('may have no extensions, none that matter, or many', () => {
    expectEverywhere(made({ extensions: null }), complete(''))
    expectEverywhere(made({ extensions: Buffer.alloc(0) }), complete(''))
    const many = Array.from({ length: 20 }, (_, kind) => extension(kind + 100, Buffer.alloc(kind)))
    const extensions = Buffer.concat([
      ...many,
      protocolNames('x'),
      serverNames([0, 'a.b']),
      extension(5, Buffer.alloc(3)),
    ])
    expectEverywhere(made({ extensions }), complete('a.b', ['x']))
  })

  it('may name its server in other ways besides, which are skipped', () => {
    expectEverywhere(made({ extensions: serverNames([9, '\xff\0'], [0, 'a.b'], [9, '']) }), complete('a.b'))
    expectEverywhere(made({ extensions: serverNames([9, 'x']) }), complete(''))
  })

  it.each(['a', 'xn--bcher-kva.example', 'a-b.c_d.example', '127.0.0.1', `${'a'.repeat(63)}.${'b.'.repeat(94)}c`])(
    'may ask for %j',
    (name) => expect(readClientHello(asked(name))).toEqual(complete(name)),
  )

  it.each([
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    '-a.b',
    'a-.b',
    'a b',
    'a/b',
    'a:443',
    '[::1]',
    'a\0',
    'a\n',
    'bücher.example',
    '*.example',
    `${'a'.repeat(64)}.b`,
    'a.'.repeat(127).concat('a'),
  ])('may not ask for %j', (name) => {
    expect(readClientHello(asked(name))).toEqual({ state: 'malformed', reason: 'not a valid server name' })
  })

  it('may have 16 KiB, and no more', () => {
    const room = 16_384 - made({ extensions: extension(21, Buffer.alloc(0)) }).length
    const longest = made({ extensions: extension(21, Buffer.alloc(room)) })
    expect(longest.length).toBe(16_384)
    expect(readClientHello(longest)).toEqual(complete(''))
    expect(readClientHello(longest.subarray(0, -1))).toEqual({ state: 'partial' })
    const longer = made({ extensions: extension(21, Buffer.alloc(room + 1)) })
    expect(readClientHello(longer)).toMatchObject({ state: 'malformed' })
    // Known from the length that it announces, before it has come.
    expect(readClientHello(records(Buffer.from([1, 0, 0x3f, 0xfd])))).toMatchObject({ state: 'malformed' })
    expect(readClientHello(records(Buffer.from([1, 0, 0x3f, 0xfc])))).toEqual({ state: 'partial' })
    // Records of one byte each count with their headers.
    const scattered = records(Buffer.from([1, 0, 0x3f, 0]), ...Array.from({ length: 3_000 }, () => Buffer.from([0])))
    expect(readClientHello(scattered.subarray(0, 16_383))).toEqual({ state: 'partial' })
    expect(readClientHello(scattered.subarray(0, 16_384))).toMatchObject({ state: 'malformed' })
  })

  it.each([
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n')],
    ['SSH', Buffer.from('SSH-2.0-')],
    ['a hello of SSL 2', Buffer.from([0x80, 0x2e, 1, 3, 1])],
    ['an alert', Buffer.from([21, 3, 1, 0, 2, 2, 40])],
    ['a record of SSL 2 in the version', Buffer.from([22, 2])],
    ['an empty record', Buffer.concat([records(Buffer.alloc(0)), made({})])],
    ['a record longer than 16 KiB', Buffer.from([22, 3, 1, 0x40, 1])],
    ['another record in between', Buffer.concat([records(Buffer.from([1, 0])), Buffer.from([23, 3, 1, 0, 1, 0])])],
    ['a ServerHello', records(message(helloBody({}), 2))],
    ['a session id too long', made({ session: 33 })],
    ['no cipher suites', made({ suites: 0 })],
    ['half a cipher suite', made({ suites: 3 })],
    ['no compression method', made({ compressions: 0 })],
    ['an empty body', records(message(Buffer.alloc(0)))],
    ['bytes behind its extensions', records(message(Buffer.concat([helloBody({}), Buffer.from([0])])))],
    [
      'extensions longer than itself',
      records(message(Buffer.concat([helloBody({ extensions: null }), Buffer.from([0, 1])]))),
    ],
    ['half an extension', made({ extensions: Buffer.from([0]) })],
    ['an extension longer than all', made({ extensions: Buffer.from([0, 99, 0, 1]) })],
    ['two lists of server names', made({ extensions: Buffer.concat([serverNames([0, 'a']), serverNames([0, 'b'])]) })],
    ['two server names', made({ extensions: serverNames([0, 'a'], [0, 'b']) })],
    [
      'an unknown extension twice',
      made({ extensions: Buffer.concat([extension(99, Buffer.alloc(0)), extension(99, Buffer.alloc(0))]) }),
    ],
    ['no server name in the list', made({ extensions: serverNames() })],
    ['an empty server name extension', made({ extensions: extension(0, Buffer.alloc(0)) })],
    ['a server name longer than the list', made({ extensions: extension(0, Buffer.from([0, 4, 0, 0, 9, 97])) })],
    ['bytes behind the server names', made({ extensions: extension(0, Buffer.from([0, 4, 0, 0, 1, 97, 0])) })],
    ['no protocol in the list', made({ extensions: protocolNames() })],
    ['a protocol without a name', made({ extensions: protocolNames('h2', '') })],
    ['a protocol longer than the list', made({ extensions: extension(16, Buffer.from([0, 2, 9, 97])) })],
  ])('is refused when it is %s', (_what, bytes) => {
    expect(readClientHello(bytes)).toMatchObject({ state: 'malformed' })
  })
})

describe('bytes that somebody made up', () => {
  const name = fc.stringMatching(/^[a-z0-9.-]{1,12}$/)
  const hello = fc
    .record({
      names: fc.array(name, { maxLength: 2 }),
      protocols: fc.array(name, { maxLength: 3 }),
      session: fc.nat(40),
    })
    .map(({ names, protocols, session }) => {
      const listed = names.map((one) => [0, one] as const)
      const extensions = Buffer.concat([serverNames(...listed), protocolNames(...protocols)])
      return message(helloBody({ extensions, session }))
    })
  const mutation = fc.record({ at: fc.nat(160), byte: fc.nat(255) })

  it('never throw, and more bytes never change what has been decided', () => {
    const property = fc.property(
      hello,
      fc.array(fc.nat(160), { maxLength: 3 }),
      fc.array(mutation, { maxLength: 3 }),
      (whole, positions, mutations) => {
        const bytes = records(...cut(whole, positions))
        for (const { at, byte } of mutations) if (at < bytes.length) bytes[at] = byte
        const last = readClientHello(bytes)
        for (let length = 0; length < bytes.length; length++) {
          const read = readClientHello(bytes.subarray(0, length))
          if (read.state !== 'partial') expect(read).toEqual(last)
        }
        if (last.state === 'complete') expect(last.serverName).toMatch(/^[a-z0-9_.-]*$/)
      },
    )
    fc.assert(property, { numRuns: 500 })
  })
})
