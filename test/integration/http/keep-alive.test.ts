// A client's connection goes on after whatever its last request was.
import { afterEach, expect, test } from 'vitest'
import { Pair, requestText } from './support/pair.ts'

let pair: Pair
afterEach(() => pair.stop())

test('an upload that had to wait for the upstream does not leave the connection unread', async () => {
  pair = await Pair.start()
  const client = await pair.connect()
  // More than is kept for a replay, and all of it here before the connection to the upstream is.
  await client.send(requestText({ method: 'POST', target: '/upload', body: 'x'.repeat(120_000) }))
  expect((await client.response('POST')).status).toBe(200)
  client.forget()
  await client.send(requestText({ target: '/next' }))
  expect((await client.response()).status).toBe(200)
})

test('nor does one that the upstream took slowly', async () => {
  pair = await Pair.start()
  const client = await pair.connect()
  for (let round = 0; round < 5; round++) {
    await client.send(requestText({ method: 'POST', target: '/upload', body: 'x'.repeat(3_000_000) }))
    expect((await client.response('POST')).status).toBe(200)
    client.forget()
  }
})
