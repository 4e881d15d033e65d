// SMTP, where the server speaks first, through a TCP pool: a message arrives once, or its sender is told that it may not have.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { requires } from '../support/servers/installed-program.ts'
import { MailServer, mailPrograms, SENT, sendMail } from '../support/servers/mail.ts'
import { LONGEST_OUTAGE, servedAgain, tell } from '../support/servers/served-again.ts'
import { TestedProxy } from '../support/servers/tested-proxy.ts'
import { Workspace } from '../support/servers/workspace.ts'

const { missing, title } = requires('mail', mailPrograms)

/** So seldom that nothing is learned from them in time: only a client that connects finds out. */
const SLOW_PROBES = { type: 'smtp', interval: '10s', timeout: '2s' }

describe.skipIf(missing)(title, () => {
  let workspace: Workspace
  let left: MailServer
  let right: MailServer
  let proxy: TestedProxy

  beforeEach(async () => {
    workspace = new Workspace()
    ;[left, right] = await Promise.all([MailServer.start('left', workspace), MailServer.start('right', workspace)])
  })

  afterEach(async () => {
    await proxy?.stop()
    await Promise.all([left?.stop(), right?.stop()])
    workspace.remove()
  })

  async function start(pool: object, proxyProtocol = 'off'): Promise<number> {
    const upstreams = [left, right].map(({ name, port }) => ({ name, url: `tcp://127.0.0.1:${port}`, proxyProtocol }))
    const listeners = { smtp: { protocol: 'tcp', listen: '127.0.0.1:0', pool: 'mx' } }
    proxy = await TestedProxy.start({ listeners, pools: { mx: { upstreams, ...pool } } }, workspace)
    return proxy.port('smtp')
  }

  const delivered = () => [left, right].map(({ messages }) => messages.map(({ text }) => text.split('\n')[0]))

  it('a message arrives at the primary, as it was sent', async () => {
    const port = await start({ probe: { type: 'smtp' } })
    expect(await sendMail(port, 'one').finished).toEqual(SENT)
    expect(left.messages).toEqual([
      {
        server: 'left',
        client: '127.0.0.1',
        from: 'alice@example.com',
        to: 'bob@example.com',
        text: 'Subject: one\n\nHello.\n',
      },
    ])
    expect(right.messages).toEqual([])
  })

  it.each(['accepts and closes', 'was killed'])(
    'a message arrives once, at the standby, when the primary %s',
    async (fault) => {
      const port = await start({ probe: SLOW_PROBES })
      if (fault === 'was killed') await left.kill()
      else left.behave('close')
      expect(await sendMail(port, 'two').finished).toEqual(SENT)
      expect(delivered()).toEqual([[], ['Subject: two']])
    },
  )

  it('a message that the primary may have accepted is not sent again, and its sender is told', async () => {
    const port = await start({ probe: SLOW_PROBES })
    left.behave('swallow')
    const sender = sendMail(port, 'three')
    await left.hasMessage()
    await left.kill()
    expect((await sender.finished).code).not.toBe(0)
    expect(await sendMail(port, 'four').finished).toEqual(SENT)
    expect(delivered()).toEqual([['Subject: three'], ['Subject: four']])
  })

  it('mail is soon accepted again after the primary was killed', async () => {
    const port = await start({ probe: { type: 'smtp' } })
    await left.kill()
    const outage = await servedAgain(() => sendMail(port, 'five').finished)
    console.log(`mail, primary killed: accepted again after ${tell(outage)}`)
    expect(outage.ms).toBeLessThan(LONGEST_OUTAGE)
    expect(delivered()).toEqual([[], ['Subject: five']])
  })

  it('a primary that greets slowly stays in use, with `hangAfter` above the time it takes', async () => {
    left.behave('slow')
    const port = await start({ probe: { type: 'smtp', interval: '3s', timeout: '2s' }, detect: { hangAfter: '3s' } })
    for (const subject of ['six', 'seven']) expect(await sendMail(port, subject).finished).toEqual(SENT)
    expect(delivered()).toEqual([['Subject: six', 'Subject: seven'], []])
    expect(await proxy.pool('mx')).toMatchObject({ active: 'left', epoch: 1 })
  })

  it.each(['v1', 'v2'])('the address of the client arrives, and probes are nobody’s: PROXY %s', async (version) => {
    for (const server of [left, right]) server.behave('proxied')
    const port = await start({ probe: { type: 'smtp' } }, version)
    expect(await sendMail(port, 'eight', '127.0.0.77').finished).toEqual(SENT)
    expect(left.messages.map(({ client }) => client)).toEqual(['127.0.0.77'])
    const { upstreams } = await proxy.pool('mx')
    expect(upstreams.map(({ health }) => health.status)).toEqual(['healthy', 'healthy'])
  })
})
