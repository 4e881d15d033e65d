/** What holds for every kind of probe on a socket, whatever it says there. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { grpcProbe } from '../../../src/probe/grpc-probe.ts'
import { mysqlProbe } from '../../../src/probe/mysql-probe.ts'
import { postgresProbe } from '../../../src/probe/postgres-probe.ts'
import type { Probe } from '../../../src/probe/probe.ts'
import { redisProbe } from '../../../src/probe/redis-probe.ts'
import { sendReceiveProbe } from '../../../src/probe/send-receive-probe.ts'
import { smtpProbe } from '../../../src/probe/smtp-probe.ts'
import { http, ProbedUpstreams } from '../../support/probed-upstreams.ts'
import { turns } from '../../support/signal.ts'

type Kind = readonly [name: string, probe: Probe, whoBegins: 'we' | 'they']

const kinds: readonly Kind[] = [
  ['http', http(), 'we'],
  ['redis', redisProbe({ role: 'primary' }), 'we'],
  ['postgres', postgresProbe({ user: 'probe', database: 'probe' }), 'we'],
  ['mysql', mysqlProbe({ user: 'probe' }), 'they'],
  ['smtp', smtpProbe({ hello: 'localhost' }), 'they'],
  ['grpc', grpcProbe({ service: '', version: '1.0' }), 'we'],
  ['send and receive', sendReceiveProbe({ over: 'tcp', send: 'ping', receive: 'pong' }), 'we'],
]

let upstreams: ProbedUpstreams

beforeEach(() => {
  upstreams = new ProbedUpstreams()
})

afterEach(async () => {
  // Where an answer and a GOAWAY were awaited together, one task is left that has nothing to do any more.
  upstreams.clock.advance(0)
  await upstreams.close()
})

describe.each(kinds)('the %s probe', (_name, probe, whoBegins) => {
  const begun = async (): Promise<void> => {
    await upstreams.signal.until(() => upstreams.open.size === 1, 'the connection')
    if (whoBegins === 'we') await upstreams.signal.until(() => upstreams.heard !== '', 'the first bytes')
    await turns(3)
  }

  it('fails with a timeout when the upstream is mute, and closes the connection', async () => {
    const result = upstreams.ask(probe, await upstreams.listen(() => {}))
    await begun()
    upstreams.clock.advance(249)
    await turns(3)
    expect(upstreams.open.size).toBe(1)
    upstreams.clock.advance(1)
    expect(await result).toEqual({
      verdict: 'fail',
      failure: 'timeout',
      detail: 'no answer within 250 ms',
      latency: 250,
    })
  })

  it('says nothing unasked where the upstream speaks first', async () => {
    const cancel = probe(await upstreams.listen(() => {}), { timeout: 250, clock: upstreams.clock }, () => {})
    await begun()
    expect(upstreams.heard === '').toBe(whoBegins === 'they')
    cancel()
  })

  it('fails when the upstream closes at once, resets, or does not listen', async () => {
    const closing = await upstreams.listen((socket) => socket.end())
    expect(await upstreams.ask(probe, closing)).toMatchObject({
      verdict: 'fail',
      failure: 'reset',
      detail: 'the connection was closed before any answer',
    })
    const resetting = await upstreams.listen((socket) => socket.resetAndDestroy())
    expect(await upstreams.ask(probe, resetting)).toMatchObject({ verdict: 'fail', failure: 'reset' })
    expect(await upstreams.ask(probe, await upstreams.vacant())).toMatchObject({ verdict: 'fail', failure: 'refused' })
  })

  it.each([
    ['zeros', Buffer.alloc(100_000)],
    ['ones', Buffer.alloc(100_000, 0xff)],
    ['line feeds', Buffer.alloc(100_000, '\n')],
    ['digits', Buffer.alloc(100_000, '2')],
  ])('never passes on garbage, nor reads it without end: %s', async (_what, garbage) => {
    const endless = await upstreams.listen((socket) => {
      const more = (): void => {
        if (socket.writable) socket.write(garbage, more)
      }
      more()
    })
    const { verdict, failure } = await upstreams.ask(probe, endless)
    expect([verdict, failure]).toEqual(['fail', null])
  })

  it('says nothing any more once it is cancelled, at whatever moment, and leaves nothing open', async () => {
    const target = await upstreams.listen(() => {})
    let results = 0
    const start = () => probe(target, { timeout: 250, clock: upstreams.clock }, () => results++)
    start()()
    const connecting = start()
    await turns(1)
    connecting()
    const waiting = start()
    await begun()
    waiting()
    upstreams.clock.assertIdle()
    await upstreams.signal.until(() => upstreams.open.size === 0, 'the sockets to be closed')
    upstreams.clock.advance(1_000)
    expect(results).toBe(0)
  })

  it('reaches an upstream behind a unix socket', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'understudy-probe-'))
    const target = await upstreams.listen(() => {}, { path: join(dir, 'app.sock') })
    const cancel = probe(target, { timeout: 250, clock: upstreams.clock }, () => {})
    await begun()
    cancel()
    rmSync(dir, { recursive: true })
  })
})
