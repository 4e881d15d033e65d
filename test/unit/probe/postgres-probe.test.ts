import { TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { postgresProbe } from '../../../src/probe/postgres-probe.ts'
import type { Behave } from '../../support/probed-upstreams.ts'
import { ProbedUpstreams } from '../../support/probed-upstreams.ts'
import { certificate, key } from '../../support/self-signed.ts'
import { byteByByte, lengthOf, plays, type Script } from './scripted-server.ts'

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const message = (type: string, ...parts: (string | Buffer)[]): Buffer => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)))
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}
const error = (state: string, text: string) =>
  message('E', `SFATAL\0VFATAL\0C${state}\0M${text}\0Fpostmaster.c\0L2355\0RProcessStartupPacket\0\0`)

const WANTS_SCRAM = message('R', int32(10), 'SCRAM-SHA-256\0\0')
const WELCOME = message('R', int32(0))
const READY = message('Z', 'I')
const SESSION = Buffer.concat([
  WELCOME,
  message('S', 'server_version\x0015.18\0'),
  message('N', 'SNOTICE\0VNOTICE\0C00000\0Mhello\0\0'),
  message('K', int32(4711), int32(42)),
  READY,
])
const STARTUP = '\0\0\0\x46\0\x03\0\0user\0probe\0database\0orders\0application_name\0understudy-probe\0\0'
const TERMINATE = 'X\0\0\0\x04'

let upstreams: ProbedUpstreams

beforeEach(() => {
  upstreams = new ProbedUpstreams()
})

afterEach(() => upstreams.close())

const probe = postgresProbe({ user: 'probe', database: 'orders' })

async function verdict(script: Script, cuts?: (at: number) => boolean) {
  const { verdict, failure, detail } = await upstreams.ask(probe, await upstreams.listen(plays(script, cuts)))
  return { verdict, failure, detail }
}

async function heard(): Promise<string> {
  await upstreams.signal.until(() => upstreams.open.size === 0, 'the connection to be closed')
  return upstreams.heard
}

const fails = (detail: string) => ({ verdict: 'fail', failure: null, detail })
const passes = (detail: string) => ({ verdict: 'pass', failure: null, detail })
const invalid = (why: string) => fails(`the answer is not valid PostgreSQL: ${why}`)

describe('the postgres probe', () => {
  it('asks for a session and passes when credentials are asked for, which it has not: it hangs up', async () => {
    expect(await verdict({ replies: [WANTS_SCRAM] })).toEqual(passes('asks for credentials in 0 ms'))
    expect(await heard()).toBe(STARTUP)
    expect(STARTUP.length).toBe(0x46)
  })

  it('passes when the session is ready, and ends it', async () => {
    expect(await verdict({ replies: [SESSION] })).toEqual(passes('ready in 0 ms'))
    expect(await heard()).toBe(STARTUP + TERMINATE)
  })

  it.each([
    ['28000', 'no pg_hba.conf entry for host'],
    ['28P01', 'password authentication failed'],
    ['3D000', 'database "orders" does not exist'],
  ])('takes a server for alive that does not let us in: %s', async (state, text) => {
    expect(await verdict({ replies: [error(state, text)] })).toEqual(passes(`alive, but ${text} (${state})`))
  })

  it.each([
    ['57P03', 'the database system is starting up'],
    ['57P03', 'the database system is shutting down'],
    ['53300', 'sorry, too many clients already'],
    ['57P01', 'terminating connection due to administrator command'],
    ['XX000', 'internal error'],
    ['08P01', 'no such database'],
  ])('fails with the words of a server that takes no sessions: %s', async (state, text) => {
    expect(await verdict({ replies: [error(state, text)] })).toEqual(fails(`${text} (${state})`))
  })

  it('fails when the session is refused after we were let in: connections may have run out only then', async () => {
    const full = error('53300', 'remaining connection slots are reserved')
    expect(await verdict({ replies: [Buffer.concat([WELCOME, full])] })).toEqual(
      fails('remaining connection slots are reserved (53300)'),
    )
  })

  it.each([
    ['another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'a message is of an unexpected type'],
    ['a message that comes too early', READY, 'a message is of an unexpected type'],
    ['a second welcome', Buffer.concat([WELCOME, WELCOME]), 'a message is of an unexpected type'],
    ['a length below its own', Buffer.from('R\0\0\0\x03'), 'the length of a message is out of range'],
    ['a negative length', Buffer.from('52ffffffff', 'hex'), 'the length of a message is out of range'],
    ['a length over 16 KiB', Buffer.from('5200004001', 'hex'), 'the length of a message is out of range'],
    ['words in place of a length', 'Eno memory\n\0', 'the length of a message is out of range'],
    ['an authentication without a kind', message('R', '\0\0'), 'a message is too short'],
    ['an error without an end', message('E', 'SFATAL\0C57P03\0Mno'), 'an error is malformed'],
    ['an empty error', message('E', ''), 'an error is malformed'],
    ['an error without a code', message('E', 'SFATAL\0Mno\0\0'), 'an error is without a code'],
    ['an error with half a code', message('E', 'C28\0Mno\0\0'), 'an error is without a code'],
    ['notices without end', Buffer.concat(Array(201).fill(message('N', '\0'))), 'it does not end'],
  ])('fails on what is not PostgreSQL: %s', async (_what, answer, why) => {
    expect(await verdict({ replies: [answer] })).toEqual(invalid(why))
    expect(await heard()).toBe(STARTUP)
  })

  it('reads an answer however its bytes arrive', async () => {
    const script = { replies: [SESSION] }
    for (let cut = 1; cut < lengthOf(script); cut++) {
      expect((await verdict(script, (at) => at === cut)).detail, `cut at ${cut}`).toBe('ready in 0 ms')
    }
    expect(await verdict(script, byteByByte)).toEqual(passes('ready in 0 ms'))
    const refused = error('57P03', 'starting up')
    expect(await verdict({ replies: [refused] }, byteByByte)).toEqual(fails('starting up (57P03)'))
  })
})

describe('the postgres probe over TLS', () => {
  const SSL_REQUEST = Buffer.from('0000000804d2162f', 'hex')

  /** Answers the request for TLS, and goes on in TLS if it agrees. */
  const negotiates =
    (answer: string, script: Script = {}): Behave =>
    (socket) => {
      socket.once('data', (asked) => {
        expect(asked).toEqual(SSL_REQUEST)
        socket.write(answer)
        if (answer !== 'S') return
        // The recording listener of the socket must not be in the way of TLS.
        socket.removeAllListeners('data')
        const secured = new TLSSocket(socket, { isServer: true, cert: certificate, key })
        secured.on('error', () => {})
        secured.on('data', (bytes) => {
          upstreams.heard += bytes
        })
        plays(script)(secured)
      })
    }

  const ask = async (behave: Behave, ca: string | null = certificate) => {
    upstreams.heard = ''
    const target = await upstreams.listen(behave)
    const tls = { verify: true, ...(ca === null ? {} : { ca }) }
    const { verdict, failure, detail } = await upstreams.ask(probe, { ...target, tls })
    return { verdict, failure, detail }
  }

  it('asks for TLS first, on the same connection, and says nothing else before it', async () => {
    expect(await ask(negotiates('S', { replies: [SESSION] }))).toEqual(passes('ready in 0 ms'))
    await upstreams.signal.until(() => upstreams.open.size === 0, 'the connection to be closed')
    expect(upstreams.heard.slice(-STARTUP.length - TERMINATE.length)).toBe(STARTUP + TERMINATE)
  })

  it('fails when the certificate is not to be trusted, without a word in the session', async () => {
    const { verdict, failure } = await ask(negotiates('S', { replies: [SESSION] }), null)
    expect([verdict, failure]).toEqual(['fail', 'tls'])
    expect(upstreams.heard).not.toContain('user')
  })

  it.each([
    ['N', fails('the server does not speak TLS')],
    ['E\0\0\0\x20SFATAL\0', fails('the server answers the request for TLS with an error')],
    ['HTTP/1.1 400', invalid('the request for TLS is answered with something else')],
    ['SE\0\0\0\x20SFATAL\0', invalid('it goes on in clear text after it agreed to TLS')],
  ])('fails when the answer to that is not a plain yes: %#', async (answer, expected) => {
    expect(await ask(negotiates(answer))).toEqual(expected)
  })

  it('fails when nothing comes after that', async () => {
    const target = await upstreams.listen((socket) => socket.once('data', () => socket.end()))
    expect(await upstreams.ask(probe, { ...target, tls: { verify: true } })).toMatchObject({
      verdict: 'fail',
      failure: 'reset',
    })
    const mute = await upstreams.listen(() => {})
    upstreams.heard = ''
    const result = upstreams.ask(probe, { ...mute, tls: { verify: true } })
    await upstreams.signal.until(() => upstreams.heard !== '', 'the request for TLS')
    upstreams.clock.advance(250)
    expect(await result).toMatchObject({ failure: 'timeout', detail: 'no TLS handshake within 250 ms' })
  })
})
