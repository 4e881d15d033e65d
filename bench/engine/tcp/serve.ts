// What the TCP origin does with one connection.
import type { Socket } from 'node:net'
import { ACKNOWLEDGED, ANSWER, ECHO, EXCHANGE, REQUEST_BYTES, SINK } from './messages.ts'

// More than a connection's window can owe.
const ACKNOWLEDGEMENTS = Buffer.alloc(64)

type Receive = (chunk: Buffer) => void

const echo =
  (socket: Socket): Receive =>
  (chunk) => {
    // The sender's window bounds what can wait here.
    if (chunk.length > 0) socket.write(chunk)
  }

const sink = (socket: Socket): Receive => {
  let owed = 0
  return (chunk) => {
    owed += chunk.length
    if (owed < ACKNOWLEDGED) return
    socket.write(ACKNOWLEDGEMENTS.subarray(0, Math.floor(owed / ACKNOWLEDGED)))
    owed %= ACKNOWLEDGED
  }
}

const exchange = (socket: Socket): Receive => {
  let missing = REQUEST_BYTES - 1
  return (chunk) => {
    missing -= chunk.length
    if (missing <= 0) socket.write(ANSWER)
  }
}

const MODES: Readonly<Record<number, (socket: Socket) => Receive>> = {
  [ECHO]: echo,
  [SINK]: sink,
  [EXCHANGE]: exchange,
}

export const serve = (socket: Socket): void => {
  // Checks that connect and say nothing, and loads that stop in the middle, are part of the day.
  socket.on('error', () => socket.destroy())
  socket.once('data', (first: Buffer) => {
    const receive = MODES[first[0] as number]?.(socket)
    if (!receive) return void socket.destroy()
    socket.on('data', receive)
    receive(first.subarray(1))
  })
}
