// Before anything is timed: the bytes that come back are the bytes that were sent, all of them and in their order.
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { ACKNOWLEDGED, ANSWER, ECHO, EXCHANGE, REQUEST_BYTES, SINK } from './messages.ts'

const BYTES = 1_048_576
const DEADLINE_MS = 5_000

const receive = (port: number, sent: Buffer, expectedBytes: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let received = 0
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(sent))
    socket.setTimeout(DEADLINE_MS, () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      received += chunk.length
      if (received >= expectedBytes) socket.destroy()
    })
    socket.once('error', reject)
    socket.once('close', () => resolve(Buffer.concat(chunks)))
  })

const expectEqual = (what: string, got: Buffer, expected: Buffer): void => {
  if (got.equals(expected)) return
  const at = got.findIndex((byte, i) => byte !== expected[i])
  const where = at === -1 ? '' : `, different from byte ${at} on`
  throw new Error(`${what}: ${got.length} of ${expected.length} bytes came back${where}`)
}

export const checkTcp = async (port: number): Promise<void> => {
  const payload = randomBytes(BYTES)
  const echoed = await receive(port, Buffer.concat([Buffer.of(ECHO), payload]), BYTES)
  expectEqual('echo', echoed, payload)
  const acknowledgements = Buffer.alloc(BYTES / ACKNOWLEDGED)
  const sunk = await receive(port, Buffer.concat([Buffer.of(SINK), payload]), acknowledgements.length)
  expectEqual('sink', sunk, acknowledgements)
  const answer = await receive(port, Buffer.alloc(REQUEST_BYTES, EXCHANGE), ANSWER.length)
  expectEqual('request and answer', answer, ANSWER)
}
