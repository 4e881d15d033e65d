// Memory that sockets read into is lent, pinned by writes, and given back. Whatever the order of long and short messages, of slow
// and broken off ones, nobody ever finds the bytes of another message in his own.
import { createHash } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { startProxy } from '../../support/proxy.ts'
import { randomFrom } from './mutate.ts'
import { CALM } from './rig.ts'

const CLIENTS = 24
const MESSAGES = 40
/** Around what comes with a head, what is kept until it is whole, what one read takes; and far beyond. */
const SIZES = [1, 500, 15_000, 16_384, 17_000, 65_535, 65_537, 200_000, 1_500_000]

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0).reverse()) await clean()
})

/** Bytes that tell whose they are, and where they belong. */
function bytesOf(name: string, size: number): Buffer {
  const line = `${name} at `
  const parts: string[] = []
  for (let at = 0; at < size; at += line.length + 10) parts.push(line + String(at).padStart(9, '0').concat('\n'))
  return Buffer.from(parts.join('').slice(0, size), 'latin1')
}

const digest = (body: Buffer): string => createHash('sha1').update(body).digest('hex')

async function originPort(): Promise<number> {
  const server = http.createServer((request, response) => {
    const [, name = '', size = '0'] = (request.url ?? '').split('/')
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.once('error', () => {})
    request.once('end', () => {
      response.setHeader('X-Received', digest(Buffer.concat(chunks)))
      const body = bytesOf(name, Number(size))
      // Every other answer has a length, the rest are chunked.
      if (Number(size) % 2) response.setHeader('Content-Length', body.length)
      for (let at = 0; at < body.length; at += 50_000) response.write(body.subarray(at, at + 50_000))
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup.push(() => {
    server.closeAllConnections()
    return new Promise((closed) => server.close(closed))
  })
  return (server.address() as AddressInfo).port
}

type Message = Readonly<{ name: string; up: number; down: number; pauses: boolean; breaksOff: boolean }>

/** What is wrong with the answer; null when it is as it should be, or was not waited for. */
function exchange(agent: http.Agent, port: number, message: Message): Promise<string | null> {
  const { name, up, down, pauses, breaksOff } = message
  const sent = bytesOf(`${name}-up`, up)
  return new Promise((resolve) => {
    const options = { agent, port, host: '127.0.0.1', method: up > 0 ? 'PUT' : 'GET', path: `/${name}/${down}` }
    const request = http.request({ ...options, headers: { 'Content-Length': up } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        if (breaksOff) request.destroy()
        else if (pauses) {
          response.pause()
          setImmediate(() => setImmediate(() => response.resume()))
        }
      })
      response.once('end', () => {
        const right = Buffer.concat(chunks).equals(bytesOf(name, down))
        if (response.headers['x-received'] !== digest(sent)) resolve(`${name}: the upstream got something else`)
        else resolve(right ? null : `${name}: ${down} bytes are not those that were sent`)
      })
    })
    request.once('error', (error) => resolve(breaksOff ? null : `${name}: ${error.message}`))
    request.once('close', () => resolve(breaksOff ? null : `${name}: broken off`))
    request.end(sent)
  })
}

test('nobody finds bytes of another message in his own', async () => {
  const upstream = await originPort()
  const proxy = await startProxy({ upstreams: [{ name: 'blue', port: upstream }], poolOverrides: CALM })
  cleanup.push(() => proxy.stop())
  const client = async (index: number): Promise<(string | null)[]> => {
    const random = randomFrom(index)
    const size = () => SIZES[random(SIZES.length)] ?? 1
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    cleanup.push(() => agent.destroy())
    const found: (string | null)[] = []
    for (let count = 0; count < MESSAGES; count++) {
      const message = {
        name: `client-${index}-${count}`,
        up: random(2) ? size() : 0,
        down: size(),
        pauses: random(3) === 0,
        breaksOff: random(8) === 0,
      }
      found.push(await exchange(agent, proxy.port, message))
    }
    return found
  }
  const all = await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(index)))
  expect(all.flat().filter((problem) => problem !== null)).toEqual([])
}, 60_000)
