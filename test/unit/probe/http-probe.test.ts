import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProbeResult } from '../../../src/core/health.ts'
import { upstreamId } from '../../../src/core/upstream.ts'
import { atPath } from '../../support/place.ts'
import { answers, type Behave, http, ProbedUpstreams, reply } from '../../support/probed-upstreams.ts'
import { turns } from '../../support/signal.ts'

let upstreams: ProbedUpstreams

beforeEach(() => {
  upstreams = new ProbedUpstreams()
})

afterEach(() => upstreams.close())

describe('the http probe', () => {
  it('passes on an expected status, and asks so that a lame duck can show itself', async () => {
    const target = await upstreams.listen(answers(reply('200 OK')))
    expect(await upstreams.ask(http(), target)).toEqual({
      verdict: 'pass',
      failure: null,
      detail: '200 in 0 ms',
      latency: 0,
    })
    expect(upstreams.heard).toBe(
      `GET /health HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\nUser-Agent: understudy-probe/1.0\r\n` +
        'Accept: */*\r\nConnection: keep-alive\r\n\r\n',
    )
  })

  it('measures how long the answer took', async () => {
    const target = await upstreams.listen((socket) =>
      socket.once('data', () => {
        upstreams.clock.advance(30)
        socket.write(reply('200 OK'))
      }),
    )
    expect(await upstreams.ask(http(), target)).toMatchObject({ detail: '200 in 30 ms', latency: 30 })
  })

  it('fails on any other status, which still is an answer', async () => {
    const target = await upstreams.listen(answers(reply('503 Service Unavailable')))
    const expect200 = http({
      expect: [
        { from: 200, to: 299 },
        { from: 404, to: 404 },
      ],
    })
    expect(await upstreams.ask(expect200, target)).toMatchObject({
      verdict: 'fail',
      failure: null,
      detail: '503 in 0 ms, expected 200-299, 404',
    })
  })

  it('takes a 503 that closes the connection for an upstream about to leave (R6)', async () => {
    const target = await upstreams.listen(answers(reply('503 Service Unavailable', 'Connection: close')))
    expect(await upstreams.ask(http(), target)).toMatchObject({ verdict: 'leaving', failure: null })
  })

  it('does not wait for a body that nobody asked about', async () => {
    const target = await upstreams.listen(answers('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n'))
    expect(await upstreams.ask(http(), target)).toMatchObject({ verdict: 'pass' })
  })

  it('looks for text in the body when told to', async () => {
    const fine = await upstreams.listen(answers(reply('200 OK')))
    expect(await upstreams.ask(http({ body: 'fine' }), fine)).toMatchObject({ verdict: 'pass' })
    expect(await upstreams.ask(http({ body: 'good' }), fine)).toMatchObject({
      verdict: 'fail',
      failure: null,
      detail: '200, but the body does not contain "good"',
    })
    const endless = await upstreams.listen(answers(`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(70_000)}`))
    expect(await upstreams.ask(http({ body: 'good' }), endless)).toMatchObject({
      detail: '200, but the first 64 KiB of the body does not contain "good"',
    })
  })

  it('judges a bad status without waiting for the text', async () => {
    const target = await upstreams.listen(answers('HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\n'))
    expect(await upstreams.ask(http({ body: 'fine' }), target)).toMatchObject({
      detail: '500 in 0 ms, expected 200-399',
    })
  })

  it('accepts a body that ends with the connection, and no other that is cut short', async () => {
    const ends =
      (text: string): Behave =>
      (socket) =>
        socket.once('data', () => socket.end(text))
    const whole = await upstreams.listen(ends('HTTP/1.1 200 OK\r\n\r\ndown'))
    expect(await upstreams.ask(http({ body: 'fine' }), whole)).toMatchObject({ verdict: 'fail', failure: null })
    const half = await upstreams.listen(ends('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ndown'))
    expect(await upstreams.ask(http({ body: 'fine' }), half)).toMatchObject({ failure: 'truncated' })
    const head = await upstreams.listen(ends('HTTP/1.1 200 OK\r\nConte'))
    expect(await upstreams.ask(http(), head)).toMatchObject({
      failure: 'truncated',
      detail: 'the answer was cut short',
    })
  })

  it('fails on an answer that is not HTTP, which still is a sign of life', async () => {
    const target = await upstreams.listen(answers('+PONG\r\n'))
    expect(await upstreams.ask(http(), target)).toMatchObject({
      verdict: 'fail',
      failure: null,
      detail: 'the answer is not valid HTTP: it does not begin with HTTP/1',
    })
  })

  it('fails with a timeout when nothing is answered, and closes the connection', async () => {
    const target = await upstreams.listen(() => {})
    const result = upstreams.ask(http(), target)
    await upstreams.signal.until(() => upstreams.heard.endsWith('\r\n\r\n'), 'the request')
    upstreams.clock.advance(249)
    expect(upstreams.open.size).toBe(1)
    upstreams.clock.advance(1)
    expect(await result).toEqual({
      verdict: 'fail',
      failure: 'timeout',
      detail: 'no answer within 250 ms',
      latency: 250,
    })
  })

  it('takes part of an answer for a sign of life, although it fails', async () => {
    let written = false
    const target = await upstreams.listen((socket) =>
      socket.once('data', () =>
        socket.write('HTTP/1.1 200 OK\r\n', () => {
          written = true
          upstreams.signal.notify()
        }),
      ),
    )
    let result: ProbeResult | null = null
    http()(target, { timeout: 250, clock: upstreams.clock }, (found) => {
      result = found
    })
    await upstreams.signal.until(() => written, 'part of the answer')
    await turns(3)
    upstreams.clock.advance(250)
    expect(result).toMatchObject({ failure: null, detail: 'the answer was not complete within 250 ms' })
  })

  it('says how a connection failed', async () => {
    expect(await upstreams.ask(http(), await upstreams.vacant())).toMatchObject({
      failure: 'refused',
      detail: 'connection refused',
    })
    const closing = await upstreams.listen((socket) => socket.end())
    expect(await upstreams.ask(http(), closing)).toMatchObject({
      failure: 'reset',
      detail: 'the connection was closed before any answer',
    })
    const resetting = await upstreams.listen((socket) => socket.once('data', () => socket.resetAndDestroy()))
    expect(await upstreams.ask(http(), resetting)).toMatchObject({
      failure: 'reset',
      detail: 'the connection was reset before any answer',
    })
    const nowhere = { id: upstreamId('blue'), ...atPath('/nonexistent/socket'), tls: null }
    expect(await upstreams.ask(http(), nowhere)).toMatchObject({
      failure: 'unreachable',
      detail: 'unreachable (ENOENT)',
    })
  })

  it('says nothing any more once it is cancelled, and leaves nothing open', async () => {
    const target = await upstreams.listen(() => {})
    let results = 0
    const cancel = http()(target, { timeout: 250, clock: upstreams.clock }, () => results++)
    await upstreams.signal.until(() => upstreams.heard !== '', 'the request')
    cancel()
    upstreams.clock.assertIdle()
    upstreams.clock.advance(1_000)
    await upstreams.signal.until(() => upstreams.open.size === 0, 'the socket to be closed')
    expect(results).toBe(0)
  })

  it('reaches an upstream behind a unix socket', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'understudy-probe-'))
    const target = await upstreams.listen(answers(reply('200 OK')), { path: join(dir, 'app.sock') })
    expect(await upstreams.ask(http(), target)).toMatchObject({ verdict: 'pass' })
    expect(upstreams.heard).toContain('\r\nHost: localhost\r\n')
    rmSync(dir, { recursive: true })
  })
})
