// Keep-alive connections of the load generator: the most recently used first, so that few are warm and the rest expire;
// a new one whenever none is idle, because an open loop never waits for an answer.
import { now } from '../clock.ts'
import { Connection, type Ending } from './connection.ts'

const IDLE_MS = 500
const SWEEP_MS = 100
// A proxy that hangs makes the open loop pile up connections; this bounds what the machine must bear.
const MOST_IN_FLIGHT = 4_000

export class ClientPool {
  readonly #port: number
  readonly #timeoutMs: number
  readonly #idle: Connection[] = []
  readonly #sweeper: NodeJS.Timeout
  #inFlight = 0

  constructor(port: number, timeoutMs: number) {
    this.#port = port
    this.#timeoutMs = timeoutMs
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS)
  }

  send(request: Buffer, done: (ending: Ending) => void): void {
    if (this.#inFlight >= MOST_IN_FLIGHT) {
      done({ error: 'overload', reused: false })
      return
    }
    this.#inFlight += 1
    const connection = this.#take()
    connection.send(request, this.#timeoutMs, (ending) => {
      this.#inFlight -= 1
      if (connection.isOpen) {
        connection.idleSince = now()
        this.#idle.push(connection)
      }
      done(ending)
    })
  }

  close(): void {
    clearInterval(this.#sweeper)
    for (const connection of this.#idle) connection.destroy()
  }

  #take(): Connection {
    for (;;) {
      const connection = this.#idle.pop()
      if (connection === undefined) return new Connection(this.#port)
      if (connection.isOpen && now() - connection.idleSince < IDLE_MS) return connection
      connection.destroy()
    }
  }

  #sweep(): void {
    const oldestAllowed = now() - IDLE_MS
    while (this.#idle[0] && (this.#idle[0].idleSince < oldestAllowed || !this.#idle[0].isOpen)) {
      this.#idle.shift()?.destroy()
    }
  }
}
