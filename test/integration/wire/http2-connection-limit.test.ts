// HTTP/2 connections to an upstream of which only so many may be open.
import { afterEach, expect, test } from 'vitest'
import { FakeClock } from '../../support/fake-clock.ts'
import { Http2Origin } from './http2-origin.ts'
import type { Heard } from './http2-rig.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

async function origin(maxConnections: number, streams: number, clock?: FakeClock): Promise<Http2Origin> {
  const settings = { maxConcurrentStreams: streams }
  const started = await Http2Origin.start(() => {}, { settings, maxConnections, ...(clock && { clock }) })
  cleanup.push(() => started.stop())
  return started
}

const connected = (got: Heard) => got.signal.until(() => got.said.includes('connected'), 'a stream')

function answer({ seen }: Http2Origin): void {
  for (const { stream } of seen) if (!stream.headersSent) stream.respond({ ':status': 204 }, { endStream: true })
}

test('until the upstream has said how many streams it takes, a connection is thought to take one', async () => {
  const started = await origin(1, 3)
  const { rig } = started
  const first = started.ask()
  expect(rig.channels.acquire(true)).toBeNull()
  await rig.signal.until(() => rig.freed > 0, 'the word that there is room')
  await connected(first)
  const others = [started.ask(), started.ask()]
  expect([rig.channels.acquire(true), rig.channels.open()]).toEqual([null, null])
  await started.signal.until(() => started.seen.length === 3, 'three streams')
  answer(started)
  for (const got of [first, ...others]) expect(await got.end()).toBe('finished')
  expect(rig.connects).toBe(1)
})

test('a doubtful connection is closed for a request that cannot be repeated, and only then another is opened', async () => {
  const clock = new FakeClock()
  const started = await origin(1, 10, clock)
  const { rig } = started
  const first = started.ask()
  await started.signal.until(() => started.seen.length === 1, 'the request')
  answer(started)
  expect(await first.end()).toBe('finished')
  clock.advance(2_000)
  const { freed } = rig
  expect(rig.channels.acquire(false)).toBeNull()
  // It is not asked to close, and waited for: there may be nobody at the other end.
  expect(rig.channels.size).toBe(0)
  // What is to be closed is not closed from within an event.
  clock.advance(0)
  await rig.signal.until(() => rig.freed > freed + 1, 'the place of the closed one')
  await connected(started.ask({}, rig.channels.acquire(false)))
  expect([rig.connects, rig.channels.size]).toEqual([2, 1])
  await started.signal.until(() => started.sessions[0]?.destroyed, 'the end of the first at the upstream')
})

test('a connection that the upstream sends away keeps its place until its last answer', async () => {
  const started = await origin(1, 10)
  const { rig } = started
  const first = started.ask()
  await started.signal.until(() => started.seen.length === 1, 'the request')
  const { heard } = rig
  started.sessions[0]?.goaway(0, 1)
  await rig.signal.until(() => rig.heard > heard, 'the GOAWAY')
  expect([rig.channels.acquire(true), rig.channels.open()]).toEqual([null, null])
  answer(started)
  expect(await first.end()).toBe('finished')
  started.sessions[0]?.close()
  await rig.signal.until(() => rig.channels.size === 0, 'the end of the connection')
  await connected(started.ask())
  expect(rig.connects).toBe(2)
})
