import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProbeResult } from '../../../src/core/health.ts'
import { type SendReceiveOptions, sendReceiveProbe } from '../../../src/probe/send-receive-probe.ts'
import { ProbedUpstreams } from '../../support/probed-upstreams.ts'
import { certificate } from '../../support/self-signed.ts'
import { turns } from '../../support/signal.ts'
import { byteByByte, lengthOf, plays } from './scripted-server.ts'

let upstreams: ProbedUpstreams

beforeEach(() => {
  upstreams = new ProbedUpstreams()
})

afterEach(() => upstreams.close())

const probe = (options: Partial<SendReceiveOptions>) =>
  sendReceiveProbe({ over: 'tcp', send: null, receive: null, ...options })

describe('the send and receive probe', () => {
  it('sends its text and passes when the other one comes back', async () => {
    const target = await upstreams.listen(plays({ replies: ['VERSION 1.6.18\r\n'] }))
    expect(await upstreams.ask(probe({ send: 'version\r\n', receive: 'VERSION' }), target)).toMatchObject({
      verdict: 'pass',
      failure: null,
      detail: 'expected answer in 0 ms',
    })
    expect(upstreams.heard).toBe('version\r\n')
  })

  it('waits for what the upstream says by itself when there is nothing to send', async () => {
    const target = await upstreams.listen(plays({ greeting: 'SSH-2.0-OpenSSH_9.6\r\n' }))
    expect(await upstreams.ask(probe({ receive: 'SSH-2.0' }), target)).toMatchObject({ verdict: 'pass' })
    expect(upstreams.heard).toBe('')
  })

  it('takes any byte for life when no text is expected', async () => {
    const target = await upstreams.listen(plays({ replies: ['\0'] }))
    expect(await upstreams.ask(probe({ send: 'x' }), target)).toMatchObject({
      verdict: 'pass',
      detail: 'answered in 0 ms',
    })
  })

  it('finds its text however the bytes arrive, beyond ASCII too', async () => {
    const script = { replies: ['…ok: gesündigt…', 'never said'] }
    const utf8 = { replies: script.replies.map((text) => Buffer.from(text)) }
    const asked = probe({ send: 'x', receive: 'gesündigt' })
    for (let cut = 1; cut < lengthOf(utf8); cut++) {
      const target = await upstreams.listen(plays(utf8, (at) => at === cut))
      expect((await upstreams.ask(asked, target)).verdict, `cut at ${cut}`).toBe('pass')
    }
    expect(await upstreams.ask(asked, await upstreams.listen(plays(utf8, byteByByte)))).toMatchObject({
      verdict: 'pass',
    })
  })

  it('reads no further than 64 KiB', async () => {
    const wanted = probe({ send: 'x', receive: 'ok' })
    const inside = await upstreams.listen(plays({ replies: [`${'x'.repeat(65_534)}ok`] }))
    expect(await upstreams.ask(wanted, inside)).toMatchObject({ verdict: 'pass' })
    const across = await upstreams.listen(plays({ replies: [`${'x'.repeat(65_535)}ok`] }))
    expect(await upstreams.ask(wanted, across)).toMatchObject({
      verdict: 'fail',
      failure: null,
      detail: 'the first 64 KiB of the answer does not contain "ok"',
    })
  })

  it('fails when the connection ends without the text: that was an answer, too', async () => {
    const target = await upstreams.listen((socket) => socket.end('sorry'))
    expect(await upstreams.ask(probe({ receive: 'ok' }), target)).toMatchObject({
      verdict: 'fail',
      failure: null,
      detail: 'the answer does not contain "ok"',
    })
  })

  it('fails when the text does not come in time, which is no hang if something came', async () => {
    let written = false
    const target = await upstreams.listen((socket) =>
      socket.write('sorry', () => {
        written = true
        upstreams.signal.notify()
      }),
    )
    let result: ProbeResult | null = null
    probe({ receive: 'ok' })(target, { timeout: 250, clock: upstreams.clock }, (found) => {
      result = found
    })
    await upstreams.signal.until(() => written, 'the answer')
    await turns(3)
    upstreams.clock.advance(250)
    expect(result).toMatchObject({ failure: null, detail: 'what came within 250 ms does not contain "ok"' })
  })

  it('asks over TLS when told to, and in clear text when told to, whatever the target says', async () => {
    const secure = await upstreams.listen(plays({ replies: ['ok'] }), { secure: true })
    const overTls = probe({ over: 'tls', send: 'x', receive: 'ok' })
    const trusted = { ...secure, tls: { verify: true, ca: certificate } }
    expect(await upstreams.ask(overTls, trusted)).toMatchObject({ verdict: 'pass' })
    expect(await upstreams.ask(overTls, secure)).toMatchObject({ verdict: 'fail', failure: 'tls' })
    const plain = await upstreams.listen(plays({ replies: ['ok'] }))
    const overTcp = probe({ send: 'x', receive: 'ok' })
    expect(await upstreams.ask(overTcp, { ...plain, tls: { verify: true } })).toMatchObject({ verdict: 'pass' })
  })
})
