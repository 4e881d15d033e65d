import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { smtpProbe } from '../../../src/probe/smtp-probe.ts'
import { ProbedUpstreams } from '../../support/probed-upstreams.ts'
import { byteByByte, lengthOf, plays, type Script } from './scripted-server.ts'

const GREETING = '220-mail.example.com ESMTP\r\n220 no spam\r\n'
const EXTENSIONS = '250-mail.example.com\r\n250-SIZE 10240000\r\n250-\r\n250 8BITMIME\r\n'

let upstreams: ProbedUpstreams

beforeEach(() => {
  upstreams = new ProbedUpstreams()
})

afterEach(() => upstreams.close())

const probe = smtpProbe({ hello: 'proxy.example.com' })

async function verdict(script: Script, cuts?: (at: number) => boolean) {
  const { verdict, failure, detail } = await upstreams.ask(probe, await upstreams.listen(plays(script, cuts)))
  return { verdict, failure, detail }
}

/** What the server has heard once the connection is closed. */
async function heard(): Promise<string> {
  await upstreams.signal.until(() => upstreams.open.size === 0, 'the connection to be closed')
  return upstreams.heard
}

const fails = (detail: string) => ({ verdict: 'fail', failure: null, detail })

describe('the smtp probe', () => {
  it('waits for the greeting, says EHLO, passes, and leaves with QUIT', async () => {
    expect(await verdict({ greeting: GREETING, replies: [EXTENSIONS, '221 Bye\r\n'] })).toEqual({
      verdict: 'pass',
      failure: null,
      detail: '250 in 0 ms',
    })
    expect(await heard()).toBe('EHLO proxy.example.com\r\nQUIT\r\n')
  })

  it('is content with replies of one line, even of a code alone', async () => {
    expect(await verdict({ greeting: '220\r\n', replies: ['250 ok\r\n'] })).toMatchObject({ verdict: 'pass' })
  })

  it.each([
    ['554 5.7.1 no service here\r\n', '554 5.7.1 no service here'],
    ['450-try\r\n450 later\r\n', '450-try'],
    ['250 ok\r\n', '250 ok'],
  ])('fails on any other greeting, in its words, and leaves politely: %#', async (greeting, detail) => {
    expect(await verdict({ greeting })).toEqual(fails(detail))
    expect(await heard()).toBe('QUIT\r\n')
  })

  it('fails when EHLO is refused', async () => {
    expect(await verdict({ greeting: GREETING, replies: ['550 who are you?\r\n'] })).toEqual(fails('550 who are you?'))
    expect(await heard()).toBe('EHLO proxy.example.com\r\nQUIT\r\n')
  })

  it('takes 421 for a server about to leave, at either step', async () => {
    const leaving = { verdict: 'leaving', failure: null, detail: '421 shutting down' }
    expect(await verdict({ greeting: '421 shutting down\r\n' })).toEqual(leaving)
    expect(await verdict({ greeting: GREETING, replies: ['421 shutting down\r\n'] })).toEqual(leaving)
  })

  it.each([
    ['another protocol', '+PONG\r\n', 'a line is malformed'],
    ['another protocol without an end of its line', '+PONG', 'it does not begin with a code'],
    ['a code out of range', '120 wait\r\n', 'a line is malformed'],
    ['no space after the code', '220mail\r\n', 'a line is malformed'],
    ['control characters', '220 mail\x1b[31m\r\n', 'a line is malformed'],
    ['a bare line feed', '220-mail\n220 more\r\n', 'a line is malformed'],
    ['codes that differ', '220-mail\r\n250 more\r\n', 'its lines have different codes'],
    ['a line without end', `220 ${'x'.repeat(17_000)}`, 'it is over 16 KiB'],
    ['lines without end', '220-mail\r\n'.repeat(2_000), 'it is over 16 KiB'],
    ['an answer to a command that was not sent', '220 mail\r\n250 ok\r\n', 'it says more than its greeting'],
  ])('fails on what is not SMTP, and does not speak it then: %s', async (_what, greeting, why) => {
    expect(await verdict({ greeting })).toEqual(fails(`the answer is not valid SMTP: ${why}`))
    expect(await heard()).toBe('')
  })

  it('reads replies however their bytes arrive', async () => {
    const script = { greeting: GREETING, replies: [EXTENSIONS] }
    for (let cut = 1; cut < lengthOf(script); cut++) {
      expect((await verdict(script, (at) => at === cut)).verdict, `cut at ${cut}`).toBe('pass')
    }
    expect((await verdict(script, byteByByte)).verdict).toBe('pass')
    expect((await verdict({ greeting: '220\r\n', replies: ['250\r\n'] }, byteByByte)).verdict).toBe('pass')
  })
})
