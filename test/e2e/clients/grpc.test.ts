// A gRPC client through TLS to servers that speak HTTP/2 in clear: everything of a call arrives at the other side.
import { Metadata } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../../bench/clock.ts'
import { status } from './support/grpc-client.ts'
import { type GrpcPair, startGrpcPair } from './support/grpc-pair.ts'
import { ORDERS } from './support/grpc-service.ts'

const MEBIBYTE = 1_048_576

let pair: GrpcPair
beforeAll(async () => {
  pair = await startGrpcPair()
}, 30_000)
afterAll(() => pair.stage.stop())

test('a unary call, with metadata of both sides before and after the answer', async () => {
  const metadata = new Metadata()
  metadata.add('tea', 'green')
  metadata.add('tea', 'black')
  const { code, receipt, head, trailers } = await pair.client.place({ id: 'metadata' }, metadata)
  expect([code, receipt]).toEqual([
    status.OK,
    { origin: 'blue', id: 'metadata', tea: ['green, black'], hasDeadline: true },
  ])
  expect(head.get('pot')).toEqual(['blue'])
  expect(trailers.get('leaves')).toEqual(['two'])
  expect(trailers.get('leaves-bin')).toEqual([Buffer.from([0, 255, 10])])
})

test('an error that is nothing but trailers, with its text and its metadata', async () => {
  const { code, details, trailers } = await pair.client.place({ id: 'error', fails: true })
  expect([code, details]).toEqual([status.FAILED_PRECONDITION, 'no tea left: 茶'])
  expect([trailers.get('leaves'), trailers.get('leaves-bin')]).toEqual([['two'], [Buffer.from([0, 255, 10])]])
})

test('a method that nobody has is UNIMPLEMENTED by the server’s word', async () => {
  const nowhere = { ...ORDERS.place, path: '/shop.v1.Orders/Nothing' }
  const { code, details } = await pair.client.unary(nowhere, Buffer.alloc(0))
  expect([code, details]).toEqual([status.UNIMPLEMENTED, expect.stringContaining('/shop.v1.Orders/Nothing')])
})

test('a message of 4 MiB both ways, byte for byte', async () => {
  const bytes = Buffer.alloc(4 * MEBIBYTE)
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at)
  const { code, answer } = await pair.client.echo(bytes)
  expect(code).toBe(status.OK)
  expect(answer?.equals(bytes)).toBe(true)
})

test('streams: the server’s, until the client takes it back, and both ways at once', async () => {
  const { client } = pair
  const { cancelled } = await client.stats()
  const watch = client.watch()
  await until('three messages', () => watch.messages.length >= 3, 5_000)
  watch.call.cancel()
  await until('the end', () => watch.ended !== null, 5_000)
  expect([watch.ended?.code, new Set(watch.messages)]).toEqual([status.CANCELLED, new Set(['blue'])])
  await until('the server to hear of it', async () => (await client.stats()).cancelled === cancelled + 1, 5_000)

  const talk = client.talk()
  for (const [index, word] of ['one', 'two', 'three'].entries()) {
    talk.call.write(Buffer.from(word))
    await until(`the answer to ${word}`, () => talk.messages.length === index + 1, 5_000)
  }
  talk.call.end()
  await until('the end', () => talk.ended !== null, 5_000)
  expect([talk.ended?.code, talk.messages]).toEqual([status.OK, ['blue: one', 'blue: two', 'blue: three']])
})

test('a deadline ends a call, and the server hears of it', async () => {
  const { client } = pair
  const { cancelled } = await client.stats()
  const late = await client.place({ id: 'late', ms: 20_000 }, undefined, { deadline: Date.now() + 200 })
  expect(late.code).toBe(status.DEADLINE_EXCEEDED)
  await until('the server to hear of it', async () => (await client.stats()).cancelled === cancelled + 1, 5_000)
})

test('a server that says it does not serve is left, and taken back when it serves again', async () => {
  const { proxy, blue, client } = pair
  await blue.does('not-serving')
  await proxy.untilActive('green')
  await proxy.untilPool('blue to be unhealthy', ({ upstreams }) => upstreams[0]?.health.status === 'unhealthy')
  expect((await client.place({ id: 'green' })).receipt?.origin).toBe('green')
  await blue.does('serving')
  await proxy.untilPool('blue to be healthy', ({ upstreams }) => upstreams[0]?.health.status === 'healthy')
  await proxy.command('failback')
  await proxy.untilActive('blue')
  expect((await client.place({ id: 'blue' })).receipt?.origin).toBe('blue')
})
