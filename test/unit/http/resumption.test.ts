// Whatever is cut off where, in whatever pieces it comes: what the client gets is the file from its beginning, and all of
// it unless the answer is given up.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Failure } from '../../../src/core/failure.ts'
import { ms } from '../../../src/core/time.ts'
import { upstreamId } from '../../../src/core/upstream.ts'
import type { ResumptionParts } from '../../../src/http/resumption.ts'
import { Resumption } from '../../../src/http/resumption.ts'
import { ResponseHead } from '../../../src/wire/response-head.ts'
import type { ResponseHandler } from '../../../src/wire/upstream-channel.ts'

const FILE = Buffer.from(Array.from({ length: 20_000 }, (_, at) => (Math.imul(at, 2_654_435_761) >>> 24) & 255))
const LIMITS = { headBytes: 65_536, fields: 100, targetBytes: 8_192 }
const [BLUE, GREEN] = [upstreamId('blue'), upstreamId('green')]
const CUT: Failure = {
  phase: 'streaming',
  blame: 'upstream',
  connection: 'fresh',
  kind: 'truncated',
  detail: '',
  status: 0,
}

/** `size`: of the pieces that it comes in. `bytes`: of the rest that it sends. */
type Rest = Readonly<{ bytes: number; size: number; wrongAt: number | null }>

class Download {
  readonly got: Buffer[] = []
  readonly asked: number[] = []
  end: 'whole' | 'lost' | null = null
  readonly resumption: Resumption
  readonly #pool = { closed: false }
  /** Called when a rest is refused. */
  whenRefused = () => {}
  readonly #rests: readonly Rest[]

  constructor(first: number, rests: readonly Rest[]) {
    this.#rests = rests
    const head = parsed(`HTTP/1.1 200 OK\r\nETag: "v1"\r\nContent-Length: ${FILE.length}\r\n\r\n`)
    const resumption = Resumption.of(this.#parts(), head, FILE.toString('latin1', 0, first))
    if (!resumption) throw new Error('not resumable')
    this.resumption = resumption
    this.got.push(FILE.subarray(0, first))
  }

  close(): void {
    this.#pool.closed = true
  }

  cut(): this {
    if (!this.resumption.resume(CUT, BLUE)) this.end = 'lost'
    return this
  }

  get body(): Buffer {
    return Buffer.concat(this.got)
  }

  /** As far as a resumption can tell from a pool, a request and an account. */
  #parts(): ResumptionParts {
    const ledger = (id: string) =>
      new Proxy({ id }, { get: (target, name) => (name === 'id' ? target.id : () => undefined) })
    const parts = {
      owner: {
        onAnswerBytes: (_: unknown, bytes: Buffer, from: number, to: number) => {
          this.got.push(Buffer.from(bytes.subarray(from, to)))
          this.resumption.keep(bytes, from, to)
          return true
        },
        onAnswerEnd: () => {
          this.end = 'whole'
        },
        onAnswerLost: () => {
          this.end = 'lost'
        },
      },
      exchange: {
        head: { method: 'GET', fields: { find: () => null }, body: 'none', upgrade: '' },
      },
      request: {
        rest: (_: string, lines: string) => {
          this.asked.push(Number(/bytes=([0-9]+)-/.exec(lines)?.[1]))
          return {
            method: 'GET',
            body: { text: lines, chunks: [], trim: () => {} },
            bodyDone: true,
            routeClass: () => '',
          }
        },
      },
      account: { failed: () => {}, notResumed: () => this.whenRefused(), requestId: '', rescue: null },
      pool: Object.assign(this.#pool, {
        clock: { now: () => ms(0) },
        options: { attempt: {} },
        runtime: { route: { gate: 'open', active: BLUE, fallback: GREEN } },
        endpoint: (id: string) => ({ ledger: ledger(id), channel: () => this.#channel() }),
      }),
    }
    return parts as unknown as ResumptionParts
  }

  #channel(): object {
    let discarded = false
    const send = (handler: ResponseHandler): void => {
      const { bytes, size, rest, head } = this.#rest()
      channel.head = head
      handler.onHead()
      for (let at = 0; at < Math.min(bytes, rest.length) && !discarded; at += size) {
        handler.onBody(rest, at, Math.min(at + size, bytes, rest.length))
        handler.onBatch()
      }
      if (discarded) return
      if (bytes < rest.length) handler.onFailed('truncated', '')
      else handler.onFinished('')
    }
    const channel = {
      head: new ResponseHead(),
      served: 0,
      transport: null,
      writeText: () => true,
      requestFinished: () => {},
      pause: () => {},
      resume: () => {},
      discard: () => {
        discarded = true
      },
      use: (handler: ResponseHandler) =>
        queueMicrotask(() => {
          handler.onConnected()
          send(handler)
        }),
    }
    return channel
  }

  /** What was asked for last, as the upstream has it, and how it is sent. */
  #rest(): Readonly<{ bytes: number; size: number; rest: Buffer; head: ResponseHead }> {
    const from = this.asked.at(-1) ?? 0
    const { bytes, size, wrongAt } = this.#rests[this.asked.length - 1] ?? { bytes: 0, size: 1, wrongAt: null }
    const rest = Buffer.from(FILE.subarray(from))
    if (wrongAt !== null && wrongAt < rest.length) rest[wrongAt] = (rest[wrongAt] ?? 0) ^ 255
    const range = `Content-Range: bytes ${from}-${FILE.length - 1}/${FILE.length}`
    const head = parsed(`HTTP/1.1 206 OK\r\nETag: "v1"\r\n${range}\r\nContent-Length: ${rest.length}\r\n\r\n`)
    return { bytes, size, rest, head }
  }
}

function parsed(text: string): ResponseHead {
  const head = new ResponseHead()
  expect(head.parse(text, 'GET', LIMITS)).toBeNull()
  return head
}

const ended = async (download: Download): Promise<Download> => {
  for (let turn = 0; turn < 100 && download.end === null; turn++) await Promise.resolve()
  return download
}

const rest = fc.record({
  bytes: fc.oneof(fc.integer({ min: 0, max: FILE.length }), fc.constant(FILE.length)),
  size: fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 65, max: 20_000 })),
})
const honest = rest.map((one) => ({ ...one, wrongAt: null }))
const cutAt = fc.integer({ min: 0, max: FILE.length - 1 })

it('what comes of it is the file, or a beginning of it that is given up', async () => {
  let whole = 0
  await fc.assert(
    fc.asyncProperty(cutAt, fc.array(honest, { minLength: 3, maxLength: 3 }), async (first, rests) => {
      const { body, end, asked } = await ended(new Download(first, rests).cut())
      if (end === 'whole') whole++
      expect(end).not.toBeNull()
      expect(body.equals(FILE.subarray(0, body.length))).toBe(true)
      expect(body.length === FILE.length).toBe(end === 'whole')
      expect(asked[0]).toBe(Math.max(0, first - 1_024))
    }),
    { numRuns: 500 },
  )
  expect(whole).toBeGreaterThan(50)
})

it('a wrong byte in what the client has had already is always noticed, and nothing of it goes to the client', async () => {
  await fc.assert(
    fc.asyncProperty(
      cutAt.filter((at) => at > 0),
      honest,
      fc.nat(),
      async (first, one, wrong) => {
        const wrongAt = wrong % Math.min(1_024, first)
        const { body, end } = await ended(new Download(first, [{ ...one, bytes: FILE.length, wrongAt }]).cut())
        expect([end, body.length]).toEqual(['lost', first])
      },
    ),
    { numRuns: 300 },
  )
})

it('a client that leaves while the rest is being refused is told nothing any more', async () => {
  const download = new Download(5_000, [{ bytes: FILE.length, size: 1_000, wrongAt: 0 }])
  let refused = 0
  download.whenRefused = () => {
    refused++
    download.resumption.cancel()
  }
  expect([(await ended(download.cut())).end, refused]).toEqual([null, 1])
})

it('what a closing pool cuts off is not gone on with', () => {
  const download = new Download(5_000, [])
  download.close()
  expect([download.cut().end, download.asked]).toEqual(['lost', []])
})
