import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { redisProbe } from '../../../src/probe/redis-probe.ts'
import { ProbedUpstreams } from '../../support/probed-upstreams.ts'
import { byteByByte, lengthOf, plays, type Script } from './scripted-server.ts'

const PING = '*1\r\n$4\r\nPING\r\n'
const ROLE = '*1\r\n$4\r\nROLE\r\n'
const PRIMARY = '*3\r\n$6\r\nmaster\r\n:3129659\r\n*0\r\n'
const REPLICA = '*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:9000\r\n$9\r\nconnected\r\n:3167038\r\n'

let upstreams: ProbedUpstreams

beforeEach(() => {
  upstreams = new ProbedUpstreams()
})

afterEach(() => upstreams.close())

const any = redisProbe({ role: 'any' })
const primary = redisProbe({ role: 'primary' })

async function verdict(probe: typeof any, script: Script, cuts?: (at: number) => boolean) {
  const { verdict, failure, detail } = await upstreams.ask(probe, await upstreams.listen(plays(script, cuts)))
  return { verdict, failure, detail }
}

const fails = (detail: string) => ({ verdict: 'fail', failure: null, detail })
const passes = (detail: string) => ({ verdict: 'pass', failure: null, detail })

describe('the redis probe', () => {
  it('says PING and passes on PONG', async () => {
    expect(await verdict(any, { replies: ['+PONG\r\n'] })).toEqual(passes('PONG in 0 ms'))
    expect(upstreams.heard).toBe(PING)
  })

  it.each([['NOAUTH Authentication required.'], ["NOPERM this user has no permissions to run the 'ping' command"]])(
    'takes a server for alive that does not let us in: %s',
    async (error) => {
      expect(await verdict(any, { replies: [`-${error}\r\n`] })).toEqual(passes(`alive, but ${error}`))
    },
  )

  it.each([
    ['LOADING Redis is loading the dataset in memory'],
    ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."],
    ['MISCONF Redis is configured to save RDB snapshots'],
    ['ERR max number of clients reached'],
    ['NOAUTHX is another word'],
  ])('fails with the words of a server that does not serve: %s', async (error) => {
    expect(await verdict(any, { replies: [`-${error}\r\n`] })).toEqual(fails(error))
  })

  it.each([
    ['+PONG? no\r\n', 'answers PING with "PONG? no"'],
    ['HTTP/1.1 400 Bad Request\r\n\r\n', 'the answer is not valid RESP: its type is unexpected'],
    [':1\r\n', 'the answer is not valid RESP: its type is unexpected'],
    [`+${'x'.repeat(2_000)}`, 'the answer is not valid RESP: a line is over 1 KiB'],
    [`+${'x'.repeat(2_000)}\r\n`, 'the answer is not valid RESP: a line is over 1 KiB'],
  ])('fails on an answer that is no PONG: %#', async (answer, detail) => {
    expect(await verdict(any, { replies: [answer] })).toEqual(fails(detail))
  })

  it('asks for the role only on demand, in the same breath', async () => {
    expect(await verdict(primary, { replies: [`+PONG\r\n${PRIMARY}`] })).toEqual(passes('PONG in 0 ms, primary'))
    expect(upstreams.heard).toBe(PING + ROLE)
  })

  it.each([
    [`+PONG\r\n${REPLICA}`, 'is a replica'],
    ['+PONG\r\n*2\r\n$8\r\nsentinel\r\n*0\r\n', 'is no primary: "sentinel"'],
    ['+PONG\r\n-NOPERM no permission\r\n', 'its role cannot be seen: NOPERM no permission'],
    ['-NOAUTH no\r\n-NOAUTH no\r\n', 'its role cannot be seen: NOAUTH no'],
    ['-LOADING wait\r\n-LOADING wait\r\n', 'LOADING wait'],
    ['+PONG\r\n+master\r\n', 'the answer is not valid RESP: its type is unexpected'],
    ['+PONG\r\n*3\r\n:6\r\nmaster\r\n', 'the answer is not valid RESP: its type is unexpected'],
    ['+PONG\r\n*3\r\n$7\r\nmaster\r\n', 'the answer is not valid RESP: its role is malformed'],
    ['+PONG\r\n*-1\r\n$6\r\nmaster\r\n', 'the answer is not valid RESP: its role is malformed'],
    [`+PONG\r\n*3\r\n$6000\r\n${'x'.repeat(6_000)}`, 'the answer is not valid RESP: a line is over 1 KiB'],
  ])('with role: primary fails on anything but a primary: %#', async (answer, detail) => {
    expect(await verdict(primary, { replies: [answer] })).toEqual(fails(detail))
  })

  it('passes with role: primary although PING is not allowed, if the role can be seen', async () => {
    expect(await verdict(primary, { replies: [`-NOPERM ping\r\n${PRIMARY}`] })).toEqual(
      passes('alive, but NOPERM ping, primary'),
    )
  })

  it('reads an answer however its bytes arrive', async () => {
    const script = { replies: [`+PONG\r\n${PRIMARY}`] }
    for (let cut = 1; cut < lengthOf(script); cut++) {
      expect((await verdict(primary, script, (at) => at === cut)).verdict, `cut at ${cut}`).toBe('pass')
    }
    expect(await verdict(primary, script, byteByByte)).toEqual(passes('PONG in 0 ms, primary'))
    const refused = { replies: ['-LOADING wait\r\n'] }
    expect(await verdict(any, refused, byteByByte)).toEqual(fails('LOADING wait'))
  })
})
