// An origin on bare TCP that keeps every byte it receives, says what the strict reader makes of it, and answers with
// scripted bytes. It never repairs: after a malformed request it closes.

import { createServer, type Server, type Socket } from 'node:net'
import { cut, Signal, turns } from './signal.ts'
import { readRequest, type StrictRequest, valuesOf } from './strict-http.ts'

export type Answer = {
  readonly bytes: string | Buffer
  readonly splits?: readonly number[]
  /** nothing is sent before this resolves */
  readonly before?: Promise<unknown>
  readonly after?: 'keep' | 'end' | 'reset'
}
export type Script = (request: StrictRequest, connection: UpstreamConnection) => Answer | null

/** 200 with a body that names the request, so that a client can see whether it got the answer to its own request. */
export function echo(request: StrictRequest): Answer {
  const body = echoBody(request.method, request.target, request.body)
  return {
    bytes: `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${request.method === 'HEAD' ? '' : body}`,
  }
}
export function echoBody(method: string, target: string, body: string): string {
  return `${method} ${target} [${body.length}] ${body.slice(0, 64)}`
}

export class UpstreamConnection {
  readonly requests: StrictRequest[] = []
  ending: 'open' | 'end' | 'reset' = 'open'
  malformed = ''
  /** bytes that do not (yet) make a complete request */
  pending = ''
  readonly socket: Socket
  readonly #upstream: RecordingUpstream
  #bytes: Buffer[] = []
  #answers: Promise<void> = Promise.resolve()
  #continued = false
  /** scripted answers that are not yet written (or given up) */
  answering = 0

  constructor(socket: Socket, upstream: RecordingUpstream) {
    this.socket = socket
    this.#upstream = upstream
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => this.#finish('end'))
    socket.on('error', () => this.#finish('reset'))
    socket.on('close', () => this.#finish('end'))
  }

  /** Every byte received since the last `forget()`. */
  get bytes(): Buffer {
    return Buffer.concat(this.#bytes)
  }

  forget(): void {
    this.requests.length = 0
    this.#bytes = []
  }

  /** What the bytes after the last complete request are. */
  get rest(): { state: 'none' | 'incomplete' | 'malformed'; why: string } {
    if (this.malformed !== '') return { state: 'malformed', why: this.malformed }
    if (this.pending === '') return { state: 'none', why: '' }
    const reading = readRequest(this.pending)
    return { state: 'incomplete', why: reading.state === 'complete' ? '' : reading.why }
  }

  #finish(how: 'end' | 'reset'): void {
    if (this.ending === 'open') this.ending = how
    if (how === 'end' && !this.socket.writableEnded) this.socket.end()
    this.#upstream.signal.notify()
  }

  #receive(chunk: Buffer): void {
    this.#bytes.push(chunk)
    if (this.malformed === '') {
      this.pending += chunk.toString('latin1')
      this.#read()
    }
    this.#upstream.signal.notify()
  }

  #read(): void {
    while (this.pending !== '') {
      const next = readRequest(this.pending)
      if (next.state === 'malformed') {
        this.malformed = next.why
        this.socket.end()
        return
      }
      if (next.state === 'incomplete') {
        this.#continueIfAsked()
        return
      }
      this.pending = this.pending.slice(next.end)
      this.#continued = false
      this.requests.push(next.value)
      this.#upstream.arrived.push(next.value)
      this.#answer(next.value)
    }
  }

  #continueIfAsked(): void {
    const head = this.pending.indexOf('\r\n\r\n')
    if (head === -1 || this.#continued || !this.#upstream.continues) return
    if (!/\r\nexpect: *100-continue\r\n/i.test(this.pending.slice(0, head + 2))) return
    this.#continued = true
    this.socket.write('HTTP/1.1 100 Continue\r\n\r\n')
  }

  #answer(request: StrictRequest): void {
    const answer = request.target.startsWith('/sentinel') ? echo(request) : this.#upstream.script(request, this)
    if (answer === null) return
    this.answering += 1
    const give = async (): Promise<void> => {
      await answer.before
      const bytes = typeof answer.bytes === 'string' ? Buffer.from(answer.bytes, 'latin1') : answer.bytes
      const pieces = cut(bytes, answer.splits ?? [])
      for (const piece of pieces) {
        if (this.socket.destroyed) return
        await new Promise<void>((resolve) => this.socket.write(piece, () => resolve()))
        if (pieces.length > 1) await turns()
      }
      if (answer.after === 'end' || valuesOf(request.fields, 'connection').some((v) => /close/i.test(v))) {
        this.socket.end()
      }
      if (answer.after === 'reset') {
        // The bytes must have been read before the reset discards them.
        await turns(4)
        this.socket.resetAndDestroy()
      }
    }
    this.#answers = this.#answers.then(give).then(() => {
      this.answering -= 1
      this.#upstream.signal.notify()
    })
  }
}

export class RecordingUpstream {
  readonly signal = new Signal()
  readonly connections = new Set<UpstreamConnection>()
  /** complete requests on all connections in the order of their arrival */
  readonly arrived: StrictRequest[] = []
  /** how many connections were ever accepted */
  accepted = 0
  script: Script = echo
  /** sends 100 Continue when a head asks for it before its body came */
  continues = true
  readonly #server: Server
  #lastPort = 0

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => {
      this.accepted += 1
      socket.setNoDelay(true)
      this.connections.add(new UpstreamConnection(socket, this))
      this.signal.notify()
    })
  }

  static start(script: Script = echo): Promise<RecordingUpstream> {
    const server = createServer({ allowHalfOpen: true })
    const upstream = new RecordingUpstream(server)
    upstream.script = script
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(upstream)))
  }

  get port(): number {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the recording upstream is not listening')
    return address.port
  }

  until<T>(check: () => T | undefined | false, what: string, milliseconds?: number): Promise<T> {
    return this.signal.until(check, what, milliseconds)
  }

  /** Forgets what was recorded; connections that are still open stay known. */
  forget(): void {
    this.arrived.length = 0
    for (const connection of this.connections) {
      if (connection.ending === 'open') connection.forget()
      else this.connections.delete(connection)
    }
  }

  /** After `stop`: on the port that it had. */
  async startAgain(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#lastPort, '127.0.0.1', resolve))
  }

  async stop(): Promise<void> {
    if (this.#server.listening) this.#lastPort = this.port
    for (const connection of this.connections) connection.socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}
