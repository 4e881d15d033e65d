// What the load generator makes of streams that do not end as they should.

import { constants, createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Ending } from '../../../bench/load/connection.ts'
import { http2Client } from '../../../bench/load/http2-client.ts'
import type { LoadClient } from '../../../bench/load/load-client.ts'
import { certificate, key } from '../../support/self-signed.ts'

type Reaction = (stream: ServerHttp2Stream, body: string) => void

let server: Http2SecureServer
let client: LoadClient
const sessions = new Set<{ destroy(): void }>()
afterEach(async () => {
  client.close()
  for (const session of sessions) session.destroy()
  await new Promise((resolve) => server.close(resolve))
})

const clientOf = async (react: Reaction, timeoutMs = 5_000): Promise<LoadClient> => {
  server = createSecureServer({ cert: certificate, key })
  server.on('session', (session) => sessions.add(session))
  server.on('stream', (stream: ServerHttp2Stream) => {
    let body = ''
    stream.on('error', () => {})
    stream.on('data', (bytes: Buffer) => {
      body += bytes
    })
    stream.on('end', () => react(stream, body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  client = http2Client({ port: (server.address() as AddressInfo).port, ca: certificate, timeoutMs })
  return client
}

const ask = (from: LoadClient, content = ''): Promise<Ending> => {
  const method = content === '' ? 'GET' : 'POST'
  const request = { id: '1-1', dueAfter: 0, method, path: '/', slow: false, body: Buffer.from(content) } as const
  return new Promise((resolve) => from.prepare(request)(resolve))
}

describe('a stream', () => {
  it('is answered when it ends as its length says', async () => {
    const asking = await clientOf((stream, body) => {
      stream.respond({ ':status': 201, 'content-length': 3 })
      stream.end(body)
    })
    const ending = await ask(asking, 'tea')
    expect(ending).toEqual({
      error: null,
      answer: { status: 201, body: Buffer.from('tea'), keepAlive: true },
      reused: false,
    })
    // The fifth comes back to the first connection.
    const all = await Promise.all([1, 2, 3, 4].map(() => ask(asking)))
    expect(all.map(({ reused }) => reused)).toEqual([false, false, false, true])
  })

  it.each([
    ['a reset without an answer', 'reset', (stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR)],
    ['no answer, and a regular end', 'closed', (stream) => stream.close(constants.NGHTTP2_NO_ERROR)],
    ['the end of its connection', 'reset', (stream) => stream.session?.destroy(new Error('gone'))],
    [
      'a reset in the middle of the answer',
      'truncated',
      (stream) => {
        stream.respond({ ':status': 200 })
        stream.write('half', () => stream.destroy(new Error('broken off')))
      },
    ],
    [
      'an answer that is shorter than it says',
      'truncated',
      (stream) => {
        stream.respond({ ':status': 200, 'content-length': 5 })
        stream.write('half', () => stream.destroy())
      },
    ],
  ] as const satisfies readonly (readonly [string, string, Reaction])[])('with %s is %s', async (_, error, react) => {
    expect(await ask(await clientOf(react))).toEqual({ error, reused: false })
  })

  it('is too late when nothing comes', async () => {
    expect(await ask(await clientOf(() => {}, 50))).toEqual({ error: 'timeout', reused: false })
  })

  it('is refused when nobody listens', async () => {
    const asking = await clientOf(() => {})
    await new Promise((resolve) => server.close(resolve))
    expect(await ask(asking)).toEqual({ error: 'refused', reused: false })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
})
