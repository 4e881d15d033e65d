// What a gRPC client notices when the primary goes: of calls that were proved not to have begun nothing, of others the truth.
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../../../bench/clock.ts'
import type { Placed } from './support/grpc-client.ts'
import { status } from './support/grpc-client.ts'
import { type GrpcPair, startFront, startGrpcPair, startOrigins } from './support/grpc-pair.ts'
import { RefusingGrpc } from './support/refusing-grpc.ts'
import { Stage } from './support/stage.ts'

let stage: Stage
afterEach(() => stage.stop())

async function startPair(): Promise<GrpcPair> {
  const pair = await startGrpcPair()
  stage = pair.stage
  return pair
}

/** Calls one after the other on so many lanes, until there were enough of them. */
async function placeAll({ client }: GrpcPair, calls: number, lanes: number): Promise<Map<string, Placed>> {
  const placed = new Map<string, Placed>()
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < calls) {
      const id = `order-${next++}`
      placed.set(id, await client.place({ id, ms: 20 }))
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return placed
}

/** How often each was executed, by whomever. */
function executionsOf({ blue, green }: GrpcPair): Map<string, number> {
  const times = new Map<string, number>()
  for (const { id } of [...blue.executions(), ...green.executions()]) times.set(id, (times.get(id) ?? 0) + 1)
  return times
}

describe('unary calls', () => {
  const CALLS = 400
  const LANES = 20

  test('the primary shuts down gracefully (GOAWAY): every call succeeds, and is executed once', async () => {
    const pair = await startPair()
    const calls = placeAll(pair, CALLS, LANES)
    await until('a hundred executions', () => pair.blue.executions().length >= 100, 10_000)
    await pair.blue.does('shutdown')
    const placed = await calls
    expect([...placed.values()].filter(({ code }) => code !== status.OK)).toEqual([])
    expect([...executionsOf(pair).values()]).toEqual(Array.from({ length: CALLS }, () => 1))
    expect(pair.green.executions().length).toBeGreaterThan(0)
    await until('the primary to have ended by itself', () => !pair.blue.running, 5_000)
  })

  test('the primary is killed: UNAVAILABLE or success, and none is executed twice', async () => {
    const pair = await startPair()
    const calls = placeAll(pair, CALLS, LANES)
    await until('a hundred executions', () => pair.blue.executions().length >= 100, 10_000)
    pair.blue.kill()
    const placed = await calls
    const executions = executionsOf(pair)
    expect([...executions.values()].filter((times) => times > 1)).toEqual([])
    const unavailable = [...placed].filter(([, { code }]) => code === status.UNAVAILABLE)
    const succeeded = [...placed].filter(([, { code }]) => code === status.OK)
    expect(unavailable.length + succeeded.length).toBe(CALLS)
    expect(succeeded.filter(([id]) => !executions.has(id))).toEqual([])
    // Those under way, and only once: a lane comes to the standby after it has lost one.
    expect(unavailable.length).toBeGreaterThan(0)
    expect(unavailable.length).toBeLessThanOrEqual(LANES)
    expect(pair.green.executions().length).toBeGreaterThan(0)
  })
})

test('calls proved unprocessed (REFUSED_STREAM, GOAWAY) succeed, and the client has not sent them again', async () => {
  stage = new Stage()
  const blue = stage.keep(await RefusingGrpc.start('blue'))
  const [, green] = await startOrigins(stage)
  const { client, proxy } = await startFront(stage, [blue, green])
  const calls = (): Promise<number> => proxy.count('request_duration_seconds_count')

  for (const [index, how] of (['REFUSED_STREAM', 'GOAWAY'] as const).entries()) {
    blue.how = how
    blue.refuses = 1
    const { code, receipt } = await client.place({ id: how })
    expect([how, code, receipt?.origin, blue.refused, blue.served]).toEqual([how, 0, 'blue', index + 1, index + 1])
    expect(await calls()).toBe(index + 1)
  }

  blue.how = 'REFUSED_STREAM'
  blue.refuses = 100
  const always = await client.place({ id: 'always' })
  expect([always.code, always.receipt?.origin, blue.served]).toEqual([status.OK, 'green', 2])
  // Asked again on a fresh connection, and then no more.
  expect(blue.refused).toBe(4)
  expect([green.executions().length, await calls()]).toEqual([1, 3])
})

test('streams under way when the primary is killed end with UNAVAILABLE, and new ones come from the standby', async () => {
  const { client, blue, proxy } = await startPair()
  const [watch, talk, silent] = [client.watch(), client.talk(), client.talk()]
  talk.call.write(Buffer.from('hello'))
  const streams = [watch, talk, silent]
  await until('messages of the primary', () => watch.messages.length > 0 && talk.messages.length > 0, 5_000)
  // One of them has had no answer at all.
  const atBlue = async (): Promise<boolean> => (await proxy.count('in_flight', { upstream: 'blue' })) === 3
  await until('all to be with the primary', atBlue, 5_000)
  blue.kill()
  await until('the end of all', () => streams.every(({ ended }) => ended !== null), 2_000)
  expect(streams.map(({ ended }) => ended?.code)).toEqual(streams.map(() => status.UNAVAILABLE))
  expect(silent.messages).toEqual([])
  const again = client.watch()
  await until('a message', () => again.messages.length > 0, 5_000)
  expect(again.messages[0]).toBe('green')
  again.call.cancel()
})
