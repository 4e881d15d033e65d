import { connect } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ProbedUpstreams } from '../../support/probed-upstreams.ts'
import { byteByByte, plays } from './scripted-server.ts'

let upstreams: ProbedUpstreams

beforeEach(() => {
  upstreams = new ProbedUpstreams()
})

afterEach(() => upstreams.close())

it('a scripted server delivers its pieces one by one: else the tests of cut answers prove nothing', async () => {
  const { port } = await upstreams.listen(plays({ greeting: 'hello', replies: ['good', 'bye'] }, byteByByte))
  const client = connect(port, '127.0.0.1')
  const pieces: string[] = []
  client.on('data', (bytes) => {
    pieces.push(String(bytes))
    if (pieces.length === 5 || pieces.length === 9) client.write('next')
    upstreams.signal.notify()
  })
  await upstreams.signal.until(() => pieces.join('').length === 12, 'all pieces')
  expect(pieces).toEqual([...'hellogoodbye'])
  client.destroy()
})
