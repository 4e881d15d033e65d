// A whole proxy whose upstreams are called by a name of this machine.
import { afterEach, expect, test } from 'vitest'
import { startProxy } from '../../support/proxy.ts'
import { RawClient } from '../../support/raw-client.ts'
import { RecordingUpstream } from '../../support/recording-upstream.ts'
import { named } from './support/answers.ts'
import { requestText } from './support/pair.ts'

const ending: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

test('an upstream at localhost is reached from the first request on, by traffic and by probes', async () => {
  const upstream = await RecordingUpstream.start()
  upstream.script = named('blue')
  ending.push(() => upstream.stop())
  const url = `http://localhost:${upstream.port}`
  const proxy = await startProxy({ upstreams: [{ name: 'blue', port: upstream.port, url }], probe: true })
  ending.push(() => proxy.stop())
  const client = await RawClient.connect(proxy.port)
  ending.push(async () => client.destroy())
  await client.send(requestText({}))
  expect((await client.response('GET')).body).toBe('by blue')
  // Host is the client's: a name that leads to an upstream is not put in its place.
  expect(upstream.arrived.map(({ target }) => target)).toContain('/')
})
