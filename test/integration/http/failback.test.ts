// The way back to the primary, under load: connections ahead, a ramp, and what ends it early.
import { afterEach, describe, expect, test } from 'vitest'
import { Gate, reset, whole } from './support/answers.ts'
import { Pair, requestText, type Side } from './support/pair.ts'
import { until } from './support/until.ts'

let pair: Pair
afterEach(() => pair.stop())

const begin = async (failback: object, pool: object = {}): Promise<void> => {
  pair = await Pair.start({ pool: { failback: { after: '0s', ...failback }, ...pool }, probe: HASTY })
}
const HASTY = { interval: '100ms', timeout: '90ms' }
const PATHS = ['/a', '/b', '/c']

/** GETs one after the other on `clients` connections until it is ended; returns every answer that there was. */
async function load(clients: number): Promise<() => Promise<readonly string[]>> {
  const answers: string[] = []
  let over = false
  const ask = async (number: number): Promise<void> => {
    const client = await pair.connect()
    for (let count = number; !over; count++) {
      client.forget()
      await client.send(requestText({ target: PATHS[count % PATHS.length] ?? '/' }))
      const { status, body } = await client.response()
      answers.push(`${status} ${body}`)
    }
  }
  const asking = Promise.all(Array.from({ length: clients }, (_, number) => ask(number)))
  return async () => {
    over = true
    await asking
    return answers
  }
}

/** Eight requests that the side does not answer yet, each on a connection of its own. */
async function eightUnderWay(side: Side): Promise<() => Promise<readonly string[]>> {
  const gate = new Gate()
  const before = side.arrived.length
  side.serve = () => ({ ...whole(200, `by ${side.name}`), before: gate.opened })
  const asked = Promise.all(Array.from({ length: 8 }, () => pair.ask()))
  await side.untilArrived(before + 8)
  return async () => {
    gate.open()
    return (await asked).map(({ body }) => body)
  }
}

const connectsAt = (name: string) => pair.metric('upstream_connects_total', `upstream="${name}"`)

const kinds = (answers: readonly string[]) => [...new Set(answers)].sort()
const events = async (type: string) => (await pair.events()).events.filter((event) => event.type === type)
const untilEvent = (type: string) =>
  until(async () => (await events(type))[0], { what: `the event ${type}`, milliseconds: 10_000 })
const untilActive = (name: string) => pair.until(({ active }) => active === name, `${name} to be active`, 10_000)

describe('without a ramp', () => {
  test('crash, recovery and failback under load: no GET fails, one failover, one failback', async () => {
    await begin({})
    const end = await load(8)
    await pair.blue.untilArrived(50)
    await pair.blue.upstream.stop()
    await untilActive('green')
    await pair.green.untilArrived(50)
    await pair.blue.upstream.startAgain()
    const before = pair.blue.arrived.length
    await untilActive('blue')
    await pair.blue.untilArrived(before + 50)
    expect(kinds(await end())).toEqual(['200 by blue', '200 by green'])
    expect(await events('failover')).toHaveLength(1)
    expect(await events('failback')).toHaveLength(1)
    expect(await pair.metric('requests_lost_total', '')).toBe(0)
  })

  test('before it, as many connections are opened as the standby has', async () => {
    await begin({})
    pair.blue.alwaysAnswer(reset)
    await pair.ask()
    await untilActive('green')
    const finish = await eightUnderWay(pair.green)
    const before = await connectsAt('blue')
    pair.blue.recover()
    await untilActive('blue')
    expect((await pair.ask()).body).toBe('by blue')
    // One to green was idle beside the eight, from before.
    expect((await connectsAt('blue')) - before).toBeGreaterThanOrEqual(8)
    expect(kinds(await finish())).toEqual(['by green'])
  })

  test('before a planned switchover, too', async () => {
    await begin({ mode: 'manual' })
    const finish = await eightUnderWay(pair.blue)
    await pair.command('switchover')
    expect(await connectsAt('green')).toBe(8)
    expect((await pair.ask()).body).toBe('by green')
    expect(await connectsAt('green')).toBe(8)
    expect(kinds(await finish())).toEqual(['by blue'])
  })

  test('a failover by command to one that takes no connections is not kept waiting by it', async () => {
    await begin({ mode: 'manual' })
    await pair.green.upstream.stop()
    await pair.command('failover', { force: true })
    expect((await pair.view()).epoch).toBeGreaterThan(1)
  })
})

describe('with a ramp', () => {
  /** Green is active and loaded; blue comes back as `recover` leaves it. */
  const ramped = async (recover: () => void, { ramp = '1s', clients = 8 } = {}) => {
    await begin({ ramp })
    pair.blue.alwaysAnswer(reset)
    await pair.ask()
    await untilActive('green')
    const end = await load(clients)
    pair.blue.upstream.forget()
    recover()
    return end
  }

  test('the primary takes more and more of the GETs, no POST, and then all', async () => {
    const end = await ramped(() => pair.blue.recover())
    await untilEvent('failback-started')
    const order = async () => (await pair.ask({ method: 'POST', body: 'one tea' })).body
    while ((await order()) === 'by green') {}
    // The first POST at the primary: it must be the active by now.
    expect((await events('failback'))[0]).toMatchObject({ to: 'blue', epoch: 3 })
    expect(pair.blue.seen.length).toBeGreaterThan(20)
    expect(kinds(await end())).toEqual(['200 by blue', '200 by green'])
    expect(await pair.view()).toMatchObject({ active: 'blue', epoch: 3 })
  })

  test('a primary that answers 500 to clients and 200 to its probe is left alone again, and nobody sees it', async () => {
    const end = await ramped(() => {
      pair.blue.recover()
      pair.blue.serve = () => whole(500, 'broken')
    })
    const aborted = await untilEvent('failback-aborted')
    expect(aborted.text).toMatch(/^failback from green to blue was given up: \d+ of its \d+ answers failed, 0 of \d+/)
    expect(kinds(await end())).toEqual(['200 by green'])
    // What it took to find out.
    expect(pair.blue.seen.length).toBeLessThan(20)
    expect(await pair.view()).toMatchObject({ active: 'green', epoch: 2 })
    expect((await pair.view()).summary).toMatch(/Failback to blue: .*suppressed/)
  })

  test('a primary that is much slower is left alone again', async () => {
    const slowly = () => {
      pair.blue.recover()
      pair.blue.serve = () => ({ ...whole(200, 'by blue'), before: new Promise((done) => setTimeout(done, 150)) })
    }
    const end = await ramped(slowly, { ramp: '3s', clients: 24 })
    expect((await untilEvent('failback-aborted')).text).toMatch(/nine of ten of its answers take up to \d+ ms/)
    expect(kinds(await end())).toEqual(['200 by blue', '200 by green'])
    expect(await pair.view()).toMatchObject({ active: 'green', epoch: 2 })
  })

  test('a primary that stops in the middle of it costs nobody an answer', async () => {
    const end = await ramped(() => pair.blue.recover())
    await untilEvent('failback-started')
    await pair.blue.untilArrived(5)
    pair.blue.alwaysAnswer(null)
    expect((await untilEvent('failback-aborted')).text).toMatch(/given up: /)
    expect(kinds(await end())).toEqual(['200 by blue', '200 by green'])
    expect(await pair.view()).toMatchObject({ active: 'green', epoch: 2 })
  })

  test('the active fails in the middle of it: the primary takes over at once', async () => {
    const end = await ramped(() => pair.blue.recover())
    await untilEvent('failback-started')
    await pair.green.upstream.stop()
    await untilActive('blue')
    expect(kinds(await end())).toEqual(['200 by blue', '200 by green'])
    expect(await events('failover')).toHaveLength(2)
  })

  test('a WebSocket stays away from it', async () => {
    const end = await ramped(() => pair.blue.recover())
    await untilEvent('failback-started')
    const fields = ['Connection: Upgrade', 'Upgrade: websocket']
    while ((await pair.view()).active === 'green') {
      if ((await pair.ask({ target: '/socket', fields })).body === 'by blue') break
    }
    expect((await pair.view()).active).toBe('blue')
    await end()
  })
})
