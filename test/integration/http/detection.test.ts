// Detection on a running proxy with probes: what must make it switch, and what must not.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { RawClient } from '../../support/raw-client.ts'
import { isProbe, reset, smallCut, whole } from './support/answers.ts'
import { Pair, requestText } from './support/pair.ts'

let pair: Pair
const start = async (probe: object): Promise<Pair> => {
  pair = await Pair.start({ pool: { timeouts: { responseHead: '1s' } }, probe })
  return pair
}
afterEach(() => pair.stop())

const untilActive = (name: string) => pair.until(({ active }) => active === name, `${name} to be active`)
const probesAtBlue = () => pair.blue.upstream.arrived.filter(isProbe).length

async function get(client: RawClient, target = '/'): Promise<string> {
  client.forget()
  await client.send(requestText({ target }))
  const { status, body } = await client.response()
  return `${status} ${body}`
}

/** Requests one after the other until the condition holds; all of them must be answered like the first. */
async function keepAsking(target: string, condition: () => Promise<boolean>): Promise<Set<string>> {
  const client = await pair.connect()
  const answers = new Set<string>()
  const deadline = performance.now() + 5_000
  for (let count = 1; ; count++) {
    answers.add(await get(client, target))
    if (count % 20 === 0 && (await condition())) return answers
    if (performance.now() > deadline) throw new Error(`still waiting after ${count} requests: ${[...answers]}`)
  }
}

/** As configured unless somebody says otherwise. */
const ordinary = { interval: '500ms', timeout: '250ms' }
const quick = { interval: '250ms', timeout: '200ms' }
const hasty = { interval: '100ms', timeout: '90ms' }

describe.each([
  ['by default', ordinary],
  ['when probes are so frequent that they find out first', hasty],
])('the primary accepts and says nothing more, %s', (_, probe) => {
  beforeEach(() => start(probe))

  test('GETs in flight go to the standby, POSTs wait for their own deadline', async () => {
    pair.blue.alwaysAnswer(null)
    const began = performance.now()
    const timed = async (method: string, target: string) => {
      const response = await pair.ask({ method, target, body: method === 'GET' ? '' : 'one tea' })
      return { ...response, at: performance.now() - began }
    }
    const gets = Promise.all(['/a', '/b', '/c'].map((target) => timed('GET', target)))
    const writes = Promise.all(['POST', 'PUT'].map((method) => timed(method, '/w')))
    await pair.blue.untilArrived(5)
    await untilActive('green')
    expect((await timed('POST', '/new')).body).toBe('by green')
    for (const { body, at } of await gets) {
      expect(body).toBe('by green')
      if (probe === ordinary) expect(at).toBeGreaterThan(380)
      // Long before timeouts.responseHead: it is the verdict that set them free.
      expect(at).toBeLessThan(900)
    }
    for (const { status, at } of await writes) {
      expect(status).toBe(504)
      expect(at).toBeGreaterThan(950)
    }
    expect(pair.green.seen.sort()).toEqual(['GET /a', 'GET /b', 'GET /c', 'POST /new'])
    expect((await pair.view()).epoch).toBe(2)
    console.log(`hang: GETs in flight answered by the standby after ${Math.round((await gets)[0]?.at ?? 0)} ms`)
  })
})

describe('must switch', () => {
  beforeEach(() => start(quick))

  test('a hung POST that the old primary answers after all reaches its client', async () => {
    let late: (() => void) | undefined
    pair.blue.probe = () => null
    pair.blue.serve = ({ method }) => {
      if (method !== 'POST') return null
      return {
        ...whole(201, 'late but executed'),
        before: new Promise<void>((resolve) => {
          late = resolve
        }),
      }
    }
    const post = pair.ask({ method: 'POST', body: 'one tea' })
    await untilActive('green')
    late?.()
    expect((await post).body).toBe('late but executed')
    expect(pair.green.seen).toEqual([])
  })

  test('so does one whose answer had begun', async () => {
    const answer = String(whole(201, 'late but executed').bytes)
    let finish: (() => void) | undefined
    pair.blue.probe = () => null
    pair.blue.serve = (_, { socket }) => {
      socket.write(answer.slice(0, -8))
      finish = () => socket.write(answer.slice(-8))
      return null
    }
    const post = pair.ask({ method: 'POST', body: 'one tea' })
    await untilActive('green')
    finish?.()
    expect((await post).body).toBe('late but executed')
    expect(pair.green.seen).toEqual([])
  })

  test('503 to everything, on more than one path: switched by the errors, and no GET failed', async () => {
    pair.blue.serve = () => whole(503, 'busy')
    const client = await pair.connect()
    for (let count = 0; count < 12; count++) expect(await get(client, `/path${count % 3}`)).toBe('200 by green')
    await untilActive('green')
    expect(await pair.metric('failovers_total', 'reason="errors"')).toBe(1)
  })

  test('every answer cut half way, with good probes: switched, and no GET failed', async () => {
    pair.blue.serve = () => smallCut
    const client = await pair.connect()
    for (let count = 0; count < 12; count++) expect(await get(client, `/path${count % 3}`)).toBe('200 by green')
    await untilActive('green')
  })

  test('accepts and closes: switched by the crash rule', async () => {
    pair.blue.alwaysAnswer(reset)
    expect((await pair.ask()).body).toBe('by green')
    await untilActive('green')
    expect(await pair.metric('failovers_total', 'reason="crash"')).toBe(1)
  })

  test('a crash that a probe meets before any request does is a crash all the same', async () => {
    await pair.blue.upstream.stop()
    await untilActive('green')
    expect(await pair.metric('failovers_total', 'reason="crash"')).toBe(1)
  })
})

describe('must not switch', () => {
  beforeEach(() => start(quick))

  test.each([500, 503])('one path always answers %i, the others are fine', async (status) => {
    pair.blue.serve = ({ target }) => whole(target === '/broken' ? status : 200, 'by blue')
    pair.green.serve = ({ target }) => whole(target === '/broken' ? status : 200, 'by green')
    const client = await pair.connect()
    for (let count = 0; count < 60; count++) {
      expect((await get(client, '/broken')).slice(0, 3)).toBe(String(status))
      expect(await get(client, `/fine${count % 3}`)).toBe('200 by blue')
    }
    expect(await pair.view()).toMatchObject({ active: 'blue', epoch: 1 })
  })

  test('probes fail but traffic is fine; once it is not there any more, the probes have the word', async () => {
    pair.blue.probe = () => whole(500, 'unwell')
    const unfit = async () => (await pair.view()).upstreams[0]?.state === 'active but unfit'
    expect([...(await keepAsking('/', unfit))]).toEqual(['200 by blue'])
    const seen = probesAtBlue()
    const probedMore = async () => probesAtBlue() >= seen + 5
    expect([...(await keepAsking('/', probedMore))]).toEqual(['200 by blue'])
    expect(await pair.view()).toMatchObject({ active: 'blue', epoch: 1 })
    expect((await pair.view()).upstreams[0]?.why).toMatch(/its real traffic is fine/)
    await untilActive('green')
  })

  test('a probe and its confirmation, in the same moment, meet one hiccup of the primary', async () => {
    let failing = 2
    pair.blue.probe = () => (failing-- > 0 ? reset : whole(200, 'well'))
    await pair.blue.upstream.until(() => failing < -3, 'four good probes after two bad ones')
    expect(await pair.view()).toMatchObject({ active: 'blue', epoch: 1 })
  })

  test('probes of both fail: there is nowhere to go, so it stays, and serves', async () => {
    pair.blue.probe = () => whole(500, 'unwell')
    pair.green.probe = () => whole(500, 'unwell')
    await pair.until(
      ({ upstreams }) => upstreams.every(({ health }) => health.status === 'unhealthy'),
      'both to be red',
    )
    const seen = probesAtBlue()
    await pair.blue.upstream.until(() => probesAtBlue() >= seen + 5, 'five more probes')
    expect(await pair.view()).toMatchObject({ active: 'blue', epoch: 1, phase: 'serving' })
    expect((await pair.ask()).body).toBe('by blue')
  })

  test('both say nothing: it may be us, so it stays', async () => {
    pair.blue.probe = () => null
    pair.green.probe = () => null
    await pair.until(
      ({ upstreams }) => upstreams.every(({ health }) => health.status === 'unhealthy'),
      'both to be red',
    )
    expect(await pair.view()).toMatchObject({ active: 'blue', epoch: 1, phase: 'serving' })
    expect((await pair.ask()).body).toBe('by blue')
  })

  test('one request takes long while the primary answers others', async () => {
    pair.blue.serve = ({ target }) => (target === '/slow' ? null : whole(200, 'by blue'))
    const slow = pair.ask({ method: 'POST', target: '/slow' })
    await pair.blue.untilArrived(1)
    expect((await slow).status).toBe(504)
    expect(await pair.view()).toMatchObject({ active: 'blue', epoch: 1 })
  })
})
