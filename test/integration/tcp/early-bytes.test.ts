// What a client says before an upstream has taken it: kept, up to a bound, and then left in the client's hands.
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { green } from '../../support/simulated-pool.ts'
import { Stream, settled } from '../../support/streaming-origin.ts'
import { type Behaviour, TcpOrigin } from '../../support/tcp-origin.ts'
import { TcpRig } from '../../support/tcp-rig.ts'

const EARLY = 65_536
/** One read may still come when the bound is reached. */
const MOST = 2 * EARLY
/** More than the kernel's buffers between two processes. */
const MUCH = 64 * 1_048_576

let primary: TcpOrigin
let standby: TcpOrigin
let rig: TcpRig
let client: Socket
const digested = new Stream(0)
const hashes: Behaviour = ({ socket, chunks }) => {
  socket.on('data', (bytes) => {
    digested.hash.update(bytes)
    digested.written += bytes.length
    digested.signal.notify()
    // Recorded they would be a burden.
    chunks.length = 0
  })
  socket.on('end', () => socket.end())
}

beforeEach(async () => {
  primary = await TcpOrigin.vacant()
  standby = await TcpOrigin.start(hashes)
  rig = await TcpRig.start({ blue: primary, green: standby, options: { early: EARLY }, standbyFit: false })
  client = connect({ port: rig.port, host: '127.0.0.1' })
  client.on('error', () => {})
})
afterEach(async () => {
  client.destroy()
  await rig.stop()
  await standby.stop()
})

describe('a client that sends much while it waits', () => {
  test('is paused at the bound, and every byte arrives once, in order, when it is taken', async () => {
    const sent = new Stream(MUCH)
    sent.pump(client, () => client.end())
    await rig.until(() => rig.runtime.hold.size === 1, 'it to be held')
    expect(await settled(() => sent.written)).toBeLessThan(MUCH)
    rig.passes(green)
    const record = await rig.record()
    expect(digested.written).toBe(MUCH)
    expect(digested.hash.digest('hex')).toBe(sent.digest)
    expect(record.bytesIn).toBe(MUCH)
  })

  test('has no more than that of it in memory', async () => {
    new Stream(MUCH).pump(client, () => client.end())
    await rig.until(() => rig.runtime.hold.size === 1, 'it to be held')
    await settled(() => client.bytesWritten)
    rig.runtime.hold.expireAll()
    const { bytesIn } = await rig.record()
    expect(bytesIn).toBeGreaterThanOrEqual(EARLY)
    expect(bytesIn).toBeLessThan(MOST)
  })
})
