// A pool with one writer: requests are held while a switch goes step by step, and none is lost by a planned one.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StrictResponse } from '../../support/strict-http.ts'
import { Gate, reset, whole } from './support/answers.ts'
import { Pair } from './support/pair.ts'

let pair: Pair
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'understudy-hooks-'))
})
afterEach(async () => {
  await pair.stop()
  rmSync(folder, { recursive: true, force: true })
})

const journal = (): string => join(folder, 'hooks.txt')
const ran = (): string[] => (existsSync(journal()) ? readFileSync(journal(), 'utf8').trim().split('\n') : [])
const noting = (then = ''): string[] => [
  'sh',
  '-c',
  `echo "$UNDERSTUDY_HOOK $UNDERSTUDY_POOL $UNDERSTUDY_FROM $UNDERSTUDY_TO $UNDERSTUDY_EPOCH \${HOME:-no-home}" >> "$1"; ${then}`,
  'hook',
  journal(),
]
const start = async (hooks: object | null): Promise<Pair> => {
  pair = await Pair.start({ pool: { kind: 'singleWriter', hold: { time: '5s' }, ...(hooks ? { hooks } : {}) } })
  return pair
}

const bodies = async (asked: readonly Promise<StrictResponse>[]): Promise<string[]> =>
  (await Promise.all(asked)).map(({ status, body }) => `${status} ${body}`)

/** Two requests in flight on blue, a switchover, two more that are held meanwhile. */
async function switchOver() {
  const gate = new Gate()
  pair.blue.serve = () => ({ ...whole(200, 'by blue'), before: gate.opened })
  const inFlight = [pair.ask({ target: '/1' }), pair.ask({ method: 'POST', target: '/2', body: 'one tea' })]
  await pair.blue.untilArrived(2)
  await pair.command('switchover')
  const held = [pair.ask({ target: '/3' }), pair.ask({ method: 'POST', target: '/4', body: 'two teas' })]
  await pair.until((view) => view.held === 2, 'two requests to be held')
  expect(pair.green.seen).toEqual([])
  return { gate, inFlight, held }
}

describe('a planned switchover', () => {
  test('fails no request of any method: those in flight finish on the old, those held go to the new', async () => {
    await start(null)
    const { gate, inFlight, held } = await switchOver()
    expect((await pair.view()).upstreams.map(({ state }) => state)).toEqual(['handing over', 'taking over'])
    gate.open()
    expect(await bodies(inFlight)).toEqual(['200 by blue', '200 by blue'])
    expect(await bodies(held)).toEqual(['200 by green', '200 by green'])
    expect(pair.green.seen.sort()).toEqual(['GET /3', 'POST /4'])
    expect(await pair.view()).toMatchObject({ active: 'green', epoch: 2, phase: 'serving' })
  })

  test('runs fence, then promote, each told what is going on and nothing else of our environment', async () => {
    await start({ fence: noting(), promote: noting() })
    const { gate, inFlight, held } = await switchOver()
    expect(ran()).toEqual([])
    gate.open()
    expect(await bodies([...inFlight, ...held])).toHaveLength(4)
    expect(ran()).toEqual(['fence shop blue green 1 no-home', 'promote shop blue green 1 no-home'])
  })

  test.each(['fence', 'promote'] as const)(
    'rolls back when the %s hook fails: held requests go to the old active',
    async (hook) => {
      await start({ fence: noting(), promote: noting(), [hook]: noting('echo no permission; exit 3') })
      const { gate, inFlight, held } = await switchOver()
      gate.open()
      expect(await bodies([...inFlight, ...held])).toEqual(new Array(4).fill('200 by blue'))
      expect(pair.green.seen).toEqual([])
      expect(await pair.view()).toMatchObject({ active: 'blue', epoch: 1, phase: 'serving' })
      const { events } = await pair.events()
      expect(events.find(({ type }) => type === 'switch-failed')?.text).toMatch(
        new RegExp(`the ${hook} hook failed: exit code 3: no permission`),
      )
    },
  )

  test('rolls back when the old active does not finish in time, and what was held is served by it', async () => {
    pair = await Pair.start({ pool: { kind: 'singleWriter', drain: { timeout: '200ms' }, hold: { time: '5s' } } })
    const { gate, inFlight, held } = await switchOver()
    await pair.until(({ phase }) => phase === 'serving', 'the switch to be given up')
    gate.open()
    expect(await bodies([...inFlight, ...held])).toEqual(new Array(4).fill('200 by blue'))
    expect((await pair.view()).active).toBe('blue')
  })

  test('there and back again: the epoch grows by one each time', async () => {
    await start(null)
    await pair.command('switchover')
    await pair.until(({ active, phase }) => active === 'green' && phase === 'serving', 'green to be active')
    expect((await pair.ask({ method: 'POST', body: 'one tea' })).body).toBe('by green')
    await pair.command('failback')
    await pair.until(({ active, phase }) => active === 'blue' && phase === 'serving', 'blue to be active')
    expect((await pair.ask({ method: 'POST', body: 'one tea' })).body).toBe('by blue')
    expect((await pair.view()).epoch).toBe(3)
  })
})

describe('a failover', () => {
  test('holds what it can and serves it after the hooks; the standby sees nothing before', async () => {
    const go = join(folder, 'go')
    await start({ promote: noting(`while [ ! -e '${go}' ]; do sleep 0.02; done`) })
    await pair.blue.upstream.stop()
    const held = [pair.ask(), pair.ask({ method: 'POST', target: '/orders', body: 'one tea' })]
    await pair.until((view) => view.phase === 'switching' && view.held === 2, 'the requests to be held')
    expect(pair.green.seen).toEqual([])
    writeFileSync(go, '')
    expect(await bodies(held)).toEqual(['200 by green', '200 by green'])
    expect(ran()).toEqual(['promote shop blue green 1 no-home'])
  })

  test('cuts every connection of the old active before the first byte to the new', async () => {
    await start({ promote: noting() })
    pair.blue.serve = () => null
    const post = pair.ask({ method: 'POST', target: '/slow', body: 'one tea' })
    await pair.blue.untilArrived(1)
    pair.green.serve = () => {
      const open = [...pair.blue.upstream.connections].filter(
        ({ ending, requests }) => ending === 'open' && requests.some(({ target }) => target === '/slow'),
      )
      return whole(200, `${open.length} still open`)
    }
    pair.blue.alwaysAnswer(reset)
    expect((await post).status).toBe(502)
    await pair.until(({ active }) => active === 'green', 'green to be active')
    expect((await pair.ask()).body).toBe('0 still open')
  })

  test('a GET is not sent to the standby on the side: that would be a second writer’s word', async () => {
    await start(null)
    pair.blue.serve = () => whole(503, 'blue is busy')
    expect((await pair.ask()).body).toBe('blue is busy')
    expect(pair.green.seen).toEqual([])
  })
})
