// New sessions while the active is suspected: they wait for the verdict, which is near, and are never refused for it.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { blue, green, statelessPolicy } from '../../support/simulated-pool.ts'
import { greets, silent, TcpOrigin } from '../../support/tcp-origin.ts'
import { type RigOptions, TcpRig } from '../../support/tcp-rig.ts'

let primary: TcpOrigin
let standby: TcpOrigin
let rig: TcpRig

beforeEach(async () => {
  primary = await TcpOrigin.start(greets('blue'))
  standby = await TcpOrigin.start(greets('green'))
})
afterEach(() => rig.stop())

/** A probe of the active stays without an answer for so long that it is suspected. */
async function suspected(options: Partial<RigOptions> = {}): Promise<void> {
  rig = await TcpRig.start({ blue: primary, green: standby, ...options })
  rig.runtime.probeStarted(blue, rig.clock.now())
  rig.clock.advance(180)
  expect(rig.runtime.doubt).toBe('suspect')
}

describe('a session that begins while the active is suspected', () => {
  test('waits, and goes to it when it says something after all', async () => {
    await suspected()
    const client = await rig.connect()
    await rig.held(1)
    expect(primary.connections).toEqual([])
    rig.ledger(blue).heard(rig.clock.now())
    await client.signal.until(() => client.text === 'blue', 'the greeting')
    expect(rig.records.map(({ rescued }) => rescued)).toEqual([])
  })

  test('goes to the standby when the verdict falls', async () => {
    await suspected()
    const client = await rig.connect()
    await rig.held(1)
    rig.runtime.probeStarted(green, rig.clock.now())
    rig.passes(green)
    rig.clock.advance(300)
    await client.signal.until(() => client.text === 'green', 'the greeting')
    expect(primary.connections).toEqual([])
  })

  test('goes to the active all the same when it has waited for hold.time', async () => {
    await suspected()
    const client = await rig.connect()
    await rig.held(1)
    rig.clock.advance(statelessPolicy.hold.time)
    await client.signal.until(() => client.text === 'blue', 'the greeting')
  })

  test('goes to the active at once when as many wait as may', async () => {
    await suspected({ holdRequests: 0 })
    const client = await rig.connect()
    await client.signal.until(() => client.text === 'blue', 'the greeting')
  })

  test('does not wait for a decision that nobody will take by himself', async () => {
    await suspected({ policy: { ...statelessPolicy, failover: 'manual' } })
    const client = await rig.connect()
    await client.signal.until(() => client.text === 'blue', 'the greeting')
  })
})

test('a session that has heard nothing is cut at once, not some time within the spread', async () => {
  primary.behave = silent
  rig = await TcpRig.start({ blue: primary, green: standby })
  rig.randoms = [0.9]
  const client = await rig.connect()
  await client.send('anybody there?')
  await primary.until(() => primary.last?.text === 'anybody there?', 'the upstream to hear it')
  rig.fails(blue)
  rig.clock.advance(1)
  await client.closed()
  expect(client.ending).toBe('reset')
})
