import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProbeTls } from '../../../src/probe/probe.ts'
import { tcpProbe } from '../../../src/probe/tcp-probe.ts'
import { tlsProbe } from '../../../src/probe/tls-probe.ts'
import { answers, type Behave, http, ProbedUpstreams, reply } from '../../support/probed-upstreams.ts'
import { certificate } from '../../support/self-signed.ts'
import { turns } from '../../support/signal.ts'

let upstreams: ProbedUpstreams

beforeEach(() => {
  upstreams = new ProbedUpstreams()
})

afterEach(() => upstreams.close())

describe('a probe of an upstream with TLS', () => {
  const secured = async (tls: ProbeTls, behave: Behave = answers(reply('200 OK'))) => ({
    ...(await upstreams.listen(behave, { secure: true })),
    tls,
  })

  it('asks over TLS when the certificate is good', async () => {
    expect(await upstreams.ask(http(), await secured({ verify: true, ca: certificate }))).toMatchObject({
      verdict: 'pass',
    })
    const named = await secured({ verify: true, ca: certificate, serverName: 'understudy.test' })
    expect(await upstreams.ask(http(), named)).toMatchObject({ verdict: 'pass' })
    expect(upstreams.heard).toContain(`\r\nHost: understudy.test:${named.port}\r\n`)
  })

  it.each([
    ['nobody vouches for the certificate', { verify: true }],
    ['the certificate is for another name', { verify: true, ca: certificate, serverName: 'other.test' }],
    ['the authority that was configured is none', { verify: true, ca: 'no certificate' }],
  ])('fails when %s', async (_why, tls) => {
    const target = await secured(tls)
    const result = upstreams.ask(http(), target)
    upstreams.clock.advance(0)
    const { verdict, failure } = await result
    expect({ verdict, failure }).toEqual({ verdict: 'fail', failure: 'tls' })
    expect(upstreams.heard).toBe('')
  })

  it('asks all the same when verification is off', async () => {
    expect(await upstreams.ask(http(), await secured({ verify: false }))).toMatchObject({ verdict: 'pass' })
  })

  it('of type tls passes when the handshake is complete, and says nothing more', async () => {
    const target = await secured({ verify: true, ca: certificate }, () => {})
    expect(await upstreams.ask(tlsProbe(), target)).toMatchObject({ verdict: 'pass', detail: 'handshake in 0 ms' })
    expect(upstreams.heard).toBe('')
  })

  it('of type tls fails on an upstream that does not speak it', async () => {
    const target = await upstreams.listen((socket) => socket.once('data', () => socket.write('220 mail ESMTP\r\n')))
    expect(await upstreams.ask(tlsProbe(), target)).toMatchObject({ verdict: 'fail', failure: 'tls' })
  })

  it('of type tls is unanswered when there is no handshake', async () => {
    const target = await upstreams.listen(() => {})
    const result = upstreams.ask(tlsProbe(), target)
    await upstreams.signal.until(() => upstreams.heard !== '', 'the handshake to begin')
    upstreams.clock.advance(250)
    expect(await result).toMatchObject({ failure: 'timeout', detail: 'no TLS handshake within 250 ms' })
  })
})

describe('the tcp probe', () => {
  it('passes when the connection is kept for a moment', async () => {
    const target = await upstreams.listen(() => {})
    const result = upstreams.ask(tcpProbe(), target)
    await upstreams.signal.until(() => upstreams.open.size === 1, 'the connection')
    await turns(3)
    upstreams.clock.advance(20)
    expect(await result).toMatchObject({ verdict: 'pass', failure: null, detail: 'connected in 0 ms', latency: 20 })
  })

  it('passes at once when the upstream speaks first', async () => {
    const target = await upstreams.listen((socket) => socket.write('220 mail ESMTP\r\n'))
    expect(await upstreams.ask(tcpProbe(), target)).toMatchObject({ verdict: 'pass' })
  })

  it('fails when the connection is accepted and closed at once', async () => {
    const target = await upstreams.listen((socket) => socket.end())
    expect(await upstreams.ask(tcpProbe(), target)).toMatchObject({
      failure: 'reset',
      detail: 'accepts connections and closes them',
    })
    const resets = await upstreams.listen((socket) => socket.resetAndDestroy())
    expect(await upstreams.ask(tcpProbe(), resets)).toMatchObject({ failure: 'reset' })
  })

  it('fails when the connection is refused', async () => {
    expect(await upstreams.ask(tcpProbe(), await upstreams.vacant())).toMatchObject({ failure: 'refused' })
  })
})
