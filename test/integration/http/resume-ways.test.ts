// Downloads that go on from another upstream, over HTTP/2 to the upstreams, and when whole processes die or stop; and what
// the access log has of it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import { afterEach, describe, expect, test } from 'vitest'
import type { PoolView } from '../../../src/admin/views.ts'
import { startProxy } from '../../support/proxy.ts'
import { listening } from '../wire/http2-rig.ts'
import { getJson } from './support/admin.ts'
import {
  content,
  Downloading,
  digest,
  download,
  download2,
  files,
  MEBIBYTE,
  reply,
  type Serving,
} from './support/downloads.ts'
import { Front } from './support/http2-front.ts'
import { until } from './support/until.ts'

const FILE = content(4 * MEBIBYTE)
const HALF = 2 * MEBIBYTE

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

async function proxyTo(urls: readonly string[]): Promise<number> {
  const upstreams = urls.map((url, index) => ({ name: index === 0 ? 'blue' : 'green', port: 0, url }))
  const proxy = await startProxy({ upstreams, probe: true, poolOverrides: { replay: { resume: true } } })
  cleanup.push(() => proxy.stop())
  const fit = async () => {
    const pool = await getJson<PoolView>(proxy.adminPort, '/pools/shop')
    return pool.upstreams.every(({ health }) => health.status === 'healthy') || undefined
  }
  await until(fit, { what: 'both to be healthy' })
  return proxy.port
}

type Broken = 'stream' | 'connection'

/** Serves the file over HTTP/2, and breaks off after `cut` bytes. */
async function h2Origin(serving: Serving, broken: Broken = 'stream'): Promise<string> {
  const server = createServer()
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => {})
  })
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => {})
    if (headers[':path'] !== '/file') return stream.respond({ ':status': 204 }, { endStream: true })
    const { status, fields, body } = reply(serving, `${headers.range ?? ''}`, `${headers['if-range'] ?? ''}`)
    stream.respond({ ':status': status, ...fields })
    if (serving.cut === undefined) return stream.end(body)
    stream.write(body.subarray(0, serving.cut), () => {
      if (broken === 'stream') stream.close(2)
      else stream.session?.destroy()
    })
  })
  const port = await listening(server)
  cleanup.push(async () => {
    for (const session of sessions) session.destroy()
    await new Promise((closed) => server.close(closed))
  })
  return `h2c://127.0.0.1:${port}`
}

const expectWhole = ({ status, body, whole }: Awaited<ReturnType<typeof download>>) =>
  expect([status, digest(body), whole]).toEqual([200, digest(FILE), true])

describe('over HTTP/2', () => {
  test.each<Broken>(['stream', 'connection'])('a %s that breaks off goes on', async (broken) => {
    const blue = await h2Origin({ file: FILE, cut: HALF }, broken)
    expectWhole(await download(await proxyTo([blue, await h2Origin({ file: FILE })])))
  })

  test('another version is not taken for the rest', async () => {
    const blue = await h2Origin({ file: FILE, cut: HALF })
    const green = await h2Origin({ file: FILE, etag: '"v2"' })
    const progress = new Downloading()
    const cut = await download(await proxyTo([blue, green]), { progress }).catch(() => null)
    expect(cut?.whole ?? false).toBe(false)
    expect(progress.body.equals(FILE.subarray(0, progress.received))).toBe(true)
    expect(progress.received).toBeLessThanOrEqual(HALF)
  })
})

/** A server of files with a process of its own. It breaks off nowhere, but stands still when half is out. */
const SCRIPT = `
  const file = Buffer.alloc(${FILE.length})
  for (let at = 0, state = 1; at < file.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    file[at] = state >>> 24
  }
  const server = require('node:http').createServer((request, response) => {
    if (request.url !== '/file') return response.end('well')
    const from = Number(/^bytes=([0-9]+)-$/.exec(request.headers.range ?? '')?.[1] ?? -1)
    const body = file.subarray(Math.max(0, from))
    response.setHeader('ETag', '"v1"').setHeader('Content-Length', body.length)
    if (from < 0) return response.writeHead(200).write(body.subarray(0, ${HALF}))
    response.writeHead(206, { 'Content-Range': 'bytes ' + from + '-' + (file.length - 1) + '/' + file.length }).end(body)
  })
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))
  process.on('disconnect', () => process.exit())
`

async function processOrigin(): Promise<{ url: string; child: ChildProcess }> {
  const child = spawn(process.execPath, ['-e', SCRIPT], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const exited = once(child, 'exit')
  cleanup.push(() => {
    child.kill('SIGKILL')
    return exited
  })
  const [line] = (await once(child.stdout as NonNullable<typeof child.stdout>, 'data')) as [Buffer]
  return { url: `http://127.0.0.1:${Number(line.toString())}`, child }
}

describe('a download goes on when the process that it comes from', () => {
  test.each(['SIGKILL', 'SIGSTOP'] as const)('gets %s', async (signal) => {
    const [blue, green] = [await processOrigin(), await processOrigin()]
    const port = await proxyTo([blue.url, green.url])
    const progress = new Downloading()
    const downloading = download(port, { progress })
    await progress.until(HALF)
    blue.child.kill(signal)
    expectWhole(await downloading)
  })
})

describe('the access log has', () => {
  async function recorded(green: Serving) {
    const front = await Front.start({ resume: true })
    cleanup.push(() => front.stop())
    const progress = new Downloading()
    front.blue.script = files({ file: FILE, cut: HALF, when: () => progress.until(HALF) })
    front.green.script = files(green)
    const { whole } = await download2(front.port, progress)
    const record = await front.signal.until(() => front.records[0], 'the record')
    const attempts = record.attempts.map(({ upstream, failure }) => `${upstream}: ${failure}`)
    const { rescued, error, status, bytes, upstream } = record
    return { whole, attempts, rescued, error, status, bytes, upstream, inFlight: front.inFlight }
  }

  test('who cut it off, and who had the rest', async () => {
    expect(await recorded({ file: FILE })).toEqual({
      whole: true,
      attempts: ['blue: truncated streaming'],
      rescued: 'resume',
      error: null,
      status: 200,
      bytes: FILE.length,
      upstream: 'green',
      inFlight: 0,
    })
  })

  test('why the rest was not taken', async () => {
    expect(await recorded({ file: content(FILE.length, 2) })).toEqual({
      whole: false,
      attempts: ['blue: truncated streaming', 'green: not resumed: another-content'],
      rescued: null,
      error: 'truncated',
      status: 200,
      bytes: HALF,
      upstream: 'green',
      inFlight: 0,
    })
  })
})
