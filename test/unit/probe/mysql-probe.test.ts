import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mysqlProbe } from '../../../src/probe/mysql-probe.ts'
import { ProbedUpstreams } from '../../support/probed-upstreams.ts'
import { byteByByte, lengthOf, plays, type Script } from './scripted-server.ts'

const packet = (sequence: number, ...parts: (string | Buffer)[]): Buffer => {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)))
  return Buffer.concat([Buffer.of(body.length & 0xff, body.length >> 8, 0, sequence), body])
}
const error = (sequence: number, code: number, text: string) =>
  packet(sequence, Buffer.of(0xff, code & 0xff, code >> 8), text)
const greeting = (plugin = 'caching_sha2_password\0', version = '8.4.3') =>
  packet(
    0,
    `\x0a${version}\0`,
    '\x11\x22\0\0',
    '12345678\0',
    '\xff\xff\xff\x02\0\xff\xdf\x15',
    '\0'.repeat(10),
    '123456789012\0',
    plugin,
  )
const OK = packet(2, '\0\0\0\x02\0\0\0')

let upstreams: ProbedUpstreams
/** As bytes: the text that `ProbedUpstreams` keeps is not made for them. */
let heard: Buffer

beforeEach(() => {
  upstreams = new ProbedUpstreams()
  heard = Buffer.alloc(0)
})

afterEach(() => upstreams.close())

const probe = mysqlProbe({ user: 'probe' })

async function verdict(script: Script, cuts?: (at: number) => boolean) {
  const target = await upstreams.listen((socket) => {
    socket.on('data', (bytes: Buffer) => {
      heard = Buffer.concat([heard, bytes])
    })
    plays(script, cuts)(socket)
  })
  const { verdict, failure, detail } = await upstreams.ask(probe, target)
  await upstreams.signal.until(() => upstreams.open.size === 0, 'the connection to be closed')
  return { verdict, failure, detail }
}

const login = (plugin: string) =>
  packet(1, '\x01\x82\x08\0', '\0\0\0\x01', '\x2d', '\0'.repeat(23), 'probe\0', '\0', `${plugin}\0`)
const QUIT = packet(0, '\x01')

const fails = (detail: string) => ({ verdict: 'fail', failure: null, detail })
const passes = (detail: string) => ({ verdict: 'pass', failure: null, detail })

describe('the mysql probe', () => {
  it('waits for the greeting, logs in without a password, and leaves', async () => {
    expect(await verdict({ greeting: greeting(), replies: [OK] })).toEqual(passes('8.4.3 in 0 ms'))
    expect(heard).toEqual(Buffer.concat([login('caching_sha2_password'), QUIT]))
  })

  it.each([
    [1045, '#28000Access denied', "Access denied for user 'probe'"],
    [1698, '#28000Access denied', 'Access denied'],
    [1044, '#42000Access denied', 'Access denied to database'],
    [1251, '#08004Client does not', 'Client does not support authentication'],
    [3118, '#HY000Access denied', 'Account is locked'],
    [3159, '#HY000Connections', 'Connections using insecure transport are prohibited'],
  ])('takes a server for alive that does not let us in, with error %d', async (code, text) => {
    const shown = text.slice(6)
    expect(await verdict({ greeting: greeting(), replies: [error(2, code, text)] })).toEqual(
      passes(`8.4.3 in 0 ms, but ${shown} (${code})`),
    )
    // No session, so none to quit.
    expect(heard).toEqual(login('caching_sha2_password'))
  })

  it.each([
    [1040, '#08004Too many connections', 'Too many connections (1040)'],
    [
      1129,
      "Host '10.0.0.1' is blocked because of many connection errors",
      "Host '10.0.0.1' is blocked because of many",
    ],
    [1130, "Host '10.0.0.1' is not allowed to connect", 'is not allowed to connect (1130)'],
    [1045, '#28000Access denied', 'Access denied (1045)'],
  ])('fails on an error in place of the greeting: %d', async (code, text, shown) => {
    const found = await verdict({ greeting: error(0, code, text) })
    expect(found).toMatchObject({ verdict: 'fail', failure: null })
    expect(found.detail).toContain(shown)
    expect(heard).toEqual(Buffer.alloc(0))
  })

  it.each([
    [1040, '#08004Too many connections', 'Too many connections (1040)'],
    [1053, '#08S01Server shutdown in progress', 'Server shutdown in progress (1053)'],
    [3032, '#HY000The server is currently in offline mode', 'The server is currently in offline mode (3032)'],
    [9999, '', 'error (9999)'],
  ])('fails on an error that is not about us: %d', async (code, text, shown) => {
    expect(await verdict({ greeting: greeting(), replies: [error(2, code, text)] })).toEqual(fails(shown))
  })

  it('goes along when it is to log in by other means, so that the server counts no broken login', async () => {
    const other = packet(2, '\xfemysql_native_password\0', '12345678901234567890\0')
    const refused = error(4, 1045, '#28000Access denied')
    expect(await verdict({ greeting: greeting(), replies: [other, refused] })).toEqual(
      passes('8.4.3 in 0 ms, but Access denied (1045)'),
    )
    expect(heard).toEqual(Buffer.concat([login('caching_sha2_password'), packet(3)]))
    heard = Buffer.alloc(0)
    const welcome = packet(4, '\0\0\0\x02\0\0\0')
    expect(await verdict({ greeting: greeting(), replies: [other, welcome] })).toEqual(passes('8.4.3 in 0 ms'))
    expect(heard).toEqual(Buffer.concat([login('caching_sha2_password'), packet(3), QUIT]))
    expect(await verdict({ greeting: greeting(), replies: [other, other] })).toMatchObject({ verdict: 'fail' })
  })

  it('passes when only a password would lead on', async () => {
    expect(await verdict({ greeting: greeting(), replies: [packet(2, '\x01\x04')] })).toEqual(
      passes('8.4.3 in 0 ms, asks for a password'),
    )
  })

  it.each([
    ['of MariaDB', greeting('mysql_native_password\0', '5.5.5-10.11.6-MariaDB'), 'mysql_native_password'],
    ['whose last text has no end', greeting('mysql_native_password'), 'mysql_native_password'],
    ['that names no means', greeting(''), ''],
    ['that ends early', packet(0, '\x0a5.1.73\0', '\x11\x22\0\0', '12345678\0', '\xff\xf7'), 'mysql_native_password'],
  ])('understands a greeting %s', async (_what, said, plugin) => {
    expect(await verdict({ greeting: said, replies: [OK] })).toMatchObject({ verdict: 'pass' })
    expect(heard).toEqual(Buffer.concat([login(plugin), QUIT]))
  })

  it.each([
    ['another protocol', { greeting: 'SSH-2.0-OpenSSH_9.6\r\n' }, 'the length of a packet is out of range'],
    ['an empty packet', { greeting: packet(0) }, 'the length of a packet is out of range'],
    ['a packet over 4 KiB', { greeting: Buffer.of(1, 0x10, 0, 0) }, 'the length of a packet is out of range'],
    ['another version of the protocol', { greeting: packet(0, '\x09', '3.20\0') }, 'its protocol is unknown'],
    ['a greeting without a version', { greeting: packet(0, '\x0a\0', '1'.repeat(40)) }, 'its greeting is malformed'],
    ['a version without end', { greeting: packet(0, '\x0a', '8'.repeat(40)) }, 'its greeting is malformed'],
    ['a short greeting', { greeting: packet(0, '\x0a8.4\0', '\x11\x22\0\0') }, 'its greeting is malformed'],
    ['an error without a code', { greeting: packet(0, '\xff\x10') }, 'an error is malformed'],
    [
      'an answer before the question',
      { greeting: Buffer.concat([greeting(), OK]) },
      'it goes on without waiting for its client',
    ],
    ['an unknown answer', { greeting: greeting(), replies: [packet(2, '\x42')] }, 'a packet is of an unexpected type'],
  ])('fails on what is not MySQL: %s', async (_what, script, why) => {
    expect(await verdict(script)).toEqual(fails(`the answer is not valid MySQL: ${why}`))
  })

  it('reads packets however their bytes arrive', async () => {
    const script = { greeting: greeting(), replies: [OK] }
    for (let cut = 1; cut < lengthOf(script); cut++) {
      expect((await verdict(script, (at) => at === cut)).detail, `cut at ${cut}`).toBe('8.4.3 in 0 ms')
    }
    expect(await verdict(script, byteByByte)).toEqual(passes('8.4.3 in 0 ms'))
  })
})
