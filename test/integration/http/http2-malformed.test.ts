// Malformed requests and attempts to smuggle one request inside another, frame by frame: a request is refused, or exactly
// one well-formed request reaches the upstream. Never less, never more, never something else.
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { echo } from '../../support/recording-upstream.ts'
import { turns } from '../../support/signal.ts'
import { Front } from './support/http2-front.ts'
import { type Expected, GET, VECTORS } from './support/http2-vectors.ts'
import { END_HEADERS, END_STREAM, fieldBlock, frame, headers, RawHttp2, uint32 } from './support/raw-http2.ts'

const ACK = 1
const ENHANCE_YOUR_CALM = 11

let front: Front
beforeAll(async () => {
  front = await Front.start()
  front.blue.script = echo
})
afterEach(() => front.blue.forget())
afterAll(() => front.stop())

type Outcome = { readonly status?: number; readonly reset?: number; readonly goaway?: number }

async function outcomeOf(frames: readonly Buffer[]): Promise<Outcome> {
  const client = await RawHttp2.open(front.port, ...frames)
  try {
    return await client.until(() => {
      const { status, goaway } = client
      const reset = client.reset()
      if (goaway !== undefined) return { goaway }
      if (reset !== undefined && reset !== 0) return { reset }
      return client.ended && status !== undefined && { status }
    }, 'an outcome')
  } finally {
    client.destroy()
  }
}

function seen(): string[] {
  return front.blue.arrived.map(({ method, target, body }) => `${method} ${target}${body === '' ? '' : ` ${body}`}`)
}

/** A connection that holds the beginning of a request must never carry another. */
async function nothingLeftOver(): Promise<void> {
  const half = () =>
    [...front.blue.connections].filter(({ rest, ending }) => rest.state !== 'none' && ending === 'open')
  await front.blue.until(() => half().length === 0, 'half a request to be taken back')
  expect([...front.blue.connections].map(({ malformed }) => malformed).filter((why) => why !== '')).toEqual([])
}

function check(expected: Expected, outcome: Outcome): void {
  if (typeof expected === 'number') expect(outcome).toEqual({ status: expected })
  else if (expected === 'reset') expect(outcome).toHaveProperty('reset')
  else if (expected === 'goaway') expect(outcome).toHaveProperty('goaway')
  else expect(outcome).toEqual({ status: 200 })
}

describe('over HTTP/2', () => {
  test.each(VECTORS)('$name: $expected', async ({ frames, expected }) => {
    check(expected, await outcomeOf(frames))
    await nothingLeftOver()
    expect(seen()).toEqual(typeof expected === 'object' ? [expected.passes] : [])
    // Whatever came before, the next request gets its own answer.
    expect(await front.ask({ ':path': '/sentinel' })).toMatchObject({ status: 200, body: 'GET /sentinel [0] ' })
  })

  test.each([0, 8])('a request that is reset (%i) in the middle of its body never looks whole', async (code) => {
    const fields = [...GET.filter(([name]) => name !== ':method')]
    for (const method of ['POST', 'HEAD']) {
      front.blue.forget()
      const client = await RawHttp2.open(front.port, headers([[':method', method], ...fields], { end: false }))
      client.send(frame('DATA', 0, 1, 'one'))
      await front.blue.until(() => [...front.blue.connections].some(({ pending }) => pending.endsWith('one\r\n')), 'it')
      client.send(frame('RST_STREAM', 0, 1, uint32(code)))
      await nothingLeftOver()
      expect(seen()).toEqual([])
      client.destroy()
    }
  })

  test('bytes that were changed at random make a request, or none, but never a malformed one', async () => {
    const damaged = fc
      .record({
        vector: fc.constantFrom(...VECTORS),
        changes: fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      })
      .map(({ vector, changes }) => {
        const bytes = Buffer.concat([...vector.frames])
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        return bytes
      })
    const property = fc.asyncProperty(damaged, async (bytes) => {
      const client = await RawHttp2.open(front.port, bytes)
      // What is understood of it gets as far as it gets; the rest may wait for bytes that never come.
      await turns(12)
      client.socket.end()
      await client.until(() => client.closed, 'the end')
      client.destroy()
      await nothingLeftOver()
    })
    await fc.assert(property, { numRuns: 300, seed: 9_113 })
    expect(await front.ask({ ':path': '/sentinel' })).toMatchObject({ status: 200, body: 'GET /sentinel [0] ' })
    await front.signal.until(() => front.connections.size === 0, 'all connections to end')
    expect(front.inFlight).toBe(0)
  }, 60_000)

  test('a head over the limit that the client was told of is not even read to its end', async () => {
    const client = await RawHttp2.open(front.port)
    await client.until(() => client.of('SETTINGS', 0).length === 2, 'the settings')
    client.send(frame('SETTINGS', ACK, 0))
    await client.caughtUp()
    const long = [...GET, ['x', 'y'.repeat(8_000)], ['y', 'y'.repeat(8_000)]] as const
    const longer = fieldBlock([['z', 'y'.repeat(8_000)]])
    client.send(frame('HEADERS', END_STREAM, 1, fieldBlock(long)), frame('CONTINUATION', END_HEADERS, 1, longer))
    await client.until(() => client.reset() === ENHANCE_YOUR_CALM, 'the reset')
    expect(seen()).toEqual([])
    client.destroy()
  })

  test('a field that no line can hold is left out, and changes nothing else', async () => {
    const evil = [...GET, ['x', 'y\r\ntransfer-encoding: chunked'], ['x-good', 'z']] as const
    expect(await outcomeOf([headers(evil)])).toEqual({ status: 200 })
    const fields = front.blue.arrived[0]?.fields.map(([name]) => name.toLowerCase())
    expect(fields).toContain('x-good')
    expect(fields).not.toContain('x')
    expect(fields).not.toContain('transfer-encoding')
  })
})
