// ClientHellos: as TLS clients send them, made by hand, and cut into records in any way.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Duplex } from 'node:stream'
import { type ConnectionOptions, connect } from 'node:tls'

/** What Node's client sends first. */
export async function nodeHello(options: ConnectionOptions): Promise<Buffer> {
  const sent = Promise.withResolvers<Buffer>()
  const line = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      sent.resolve(chunk)
      done()
    },
  })
  const client = connect({ ...options, socket: line })
  client.on('error', sent.reject)
  const hello = await sent.promise
  client.destroy()
  return hello
}

const OPENSSL = 'openssl'

/** What `openssl s_client` sends first; null where it is not installed. */
export async function opensslHello(args: readonly string[]): Promise<Buffer | null> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const child = spawn(OPENSSL, ['s_client', '-connect', `127.0.0.1:${port}`, ...args], { stdio: 'ignore' })
  const missing = new Promise<null>((resolve, reject) => {
    child.on('error', () => resolve(null))
    child.on('exit', () => reject(new Error(`openssl s_client ${args.join(' ')} ended without a ClientHello`)))
  })
  const hello = new Promise<Buffer>((resolve) => {
    server.on('connection', (socket) => {
      socket.on('error', () => {})
      socket.once('data', (bytes: Buffer) => {
        resolve(bytes)
        socket.destroy()
      })
    })
  })
  const first = await Promise.race([hello, missing])
  child.kill()
  server.close()
  return first
}

const sized = (size: 1 | 2 | 3, bytes: Buffer): Buffer => {
  const length = Buffer.alloc(size)
  length.writeUIntBE(bytes.length, 0, size)
  return Buffer.concat([length, bytes])
}

export const extension = (kind: number, content: Buffer): Buffer =>
  Buffer.concat([Buffer.from([kind >> 8, kind & 255]), sized(2, content)])

export const serverNames = (...names: readonly (readonly [kind: number, name: string])[]): Buffer =>
  extension(
    0,
    sized(2, Buffer.concat(names.map(([kind, name]) => Buffer.concat([Buffer.from([kind]), sized(2, latin1(name))])))),
  )

export const protocolNames = (...names: readonly string[]): Buffer =>
  extension(16, sized(2, Buffer.concat(names.map((name) => sized(1, latin1(name))))))

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

export type Fields = Readonly<{ session?: number; suites?: number; compressions?: number; extensions?: Buffer | null }>

/** The body of a ClientHello. `extensions`: null has none at all, as older clients do. */
export function helloBody({
  session = 32,
  suites = 4,
  compressions = 1,
  extensions = Buffer.alloc(0),
}: Fields): Buffer {
  return Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    sized(1, Buffer.alloc(session, 1)),
    sized(2, Buffer.alloc(suites, 2)),
    sized(1, Buffer.alloc(compressions)),
    ...(extensions ? [sized(2, extensions)] : []),
  ])
}

export const message = (body: Buffer, kind = 1): Buffer => Buffer.concat([Buffer.from([kind]), sized(3, body)])

/** One record a piece. */
export const records = (...pieces: readonly Buffer[]): Buffer =>
  Buffer.concat(pieces.map((piece) => Buffer.concat([Buffer.from([22, 3, 1]), sized(2, piece)])))

/** The handshake message that lies in a single record. */
export const messageIn = (record: Buffer): Buffer => record.subarray(5)
