// Clients of node:http2 that let go of their streams and sessions at any moment. A program, for node:http2 does not survive
// all of that on its own side: what is done here is done outside of its events. Arguments: port and seed.
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2'
import { randomFrom } from '../../wire/mutate.ts'

const SESSIONS = 150
const AT_ONCE = 10
const STREAMS = 12
const EVENTS = ['ready', 'headers', 'response', 'data', 'trailers', 'end', 'wantTrailers', 'drain', 'never']
const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR } = constants

const [port = 0, seed = 0] = process.argv.slice(2).map(Number)
const random = randomFrom(seed)
const of = <T>(all: readonly T[]): T => all[random(all.length)] as T
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

type LetGo = (stream: ClientHttp2Stream, session: ClientHttp2Session) => unknown
const LET_GO: readonly LetGo[] = [
  (stream) => stream.close(NGHTTP2_CANCEL),
  (stream) => stream.close(NGHTTP2_INTERNAL_ERROR),
  (stream) => stream.close(),
  (stream) => stream.destroy(),
  (_, session) => session.close(),
  (_, session) => session.destroy(),
]

function ask(session: ClientHttp2Session): ClientHttp2Stream {
  const post = random(3) > 0
  const type = random(3) === 0 ? { 'content-type': 'application/grpc' } : {}
  const stream = session.request(
    { ':method': post ? 'POST' : of(['GET', 'HEAD']), ...type },
    { endStream: !post, waitForTrailers: post },
  )
  stream.on('error', () => {})
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }))
  const letGo = of(LET_GO)
  stream.once(of(EVENTS), () => setImmediate(() => setImmediate(() => letGo(stream, session))))
  stream.resume()
  if (!post) return stream
  stream.write('x'.repeat(random(3) * 40_000))
  setImmediate(() => {
    if (random(4) > 0 && stream.writable) stream.end('tea')
  })
  return stream
}

async function sessionOfMany(): Promise<void> {
  const session = connect(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  const ends: Promise<void>[] = []
  for (let count = 0; count < STREAMS && !session.destroyed && !session.closed; count++) {
    const stream = ask(session)
    ends.push(new Promise((resolve) => stream.once('close', () => resolve())))
    if (random(2) === 0) await turn()
  }
  // Some of them nobody ever ends.
  await Promise.race([...ends, new Promise((resolve) => session.once('close', resolve))])
  // One at least: what a stream that closes sets off would still be within its event.
  for (let turns = 1 + random(6); turns > 0; turns--) await turn()
  session.destroy()
}

let sessions = 0
async function keepGoing(): Promise<void> {
  while (sessions++ < SESSIONS) await sessionOfMany()
}
await Promise.all(Array.from({ length: AT_ONCE }, keepGoing))
