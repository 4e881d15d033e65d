// One client connection of the load generator; one request at a time, never a retry.
//
// The keep-alive race. A server may close an idle connection at the moment the client writes on it; the request was then
// never received, and every HTTP client sends it again elsewhere (RFC 9112 section 9.3.1). Counting that as the proxy's failure would be
// wrong; but so would excusing every close on a reused connection, since a proxy that drops a request it has received looks
// much the same. The race is only this: a reused connection, no byte of an answer, and the close was *already waiting in our
// socket* when we wrote, that is, it is seen in the same turn of the event loop (the poll right after the write). A close that comes later was
// decided with our request in the proxy's hands, and is a failure. The pool also drops connections idle for half a second,
// far below any proxy's idle timeout, so that a race is rare to begin with; it is counted, and shown.
import { connect, type Socket } from 'node:net'
import { type Answer, type Reading, ResponseReader } from './response-reader.ts'
import type { LoadError } from './row.ts'

export type Ending =
  | { readonly error: null; readonly answer: Answer; readonly reused: boolean }
  | { readonly error: LoadError; readonly reused: boolean }

type Job = {
  readonly reader: ResponseReader
  readonly reused: boolean
  readonly done: (ending: Ending) => void
  readonly timer: NodeJS.Timeout
  justWritten: boolean
}

export class Connection {
  readonly #socket: Socket
  #job: Job | null = null
  #used = false
  #open = true
  idleSince = 0

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    this.#socket.on('end', () => this.#onClosed('closed'))
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#onClosed(error.syscall === 'connect' ? 'refused' : 'reset', error.code === 'EPIPE')
    })
    this.#socket.on('close', () => this.#onClosed('closed'))
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** Must be called from a timer, not from socket I/O: the race detection above relies on the poll that follows. */
  send(request: Buffer, timeoutMs: number, done: (ending: Ending) => void): void {
    const job: Job = {
      reader: new ResponseReader(),
      reused: this.#used,
      done,
      timer: setTimeout(() => this.#finish({ error: 'timeout', reused: job.reused }), timeoutMs),
      justWritten: true,
    }
    this.#job = job
    this.#used = true
    this.#socket.write(request)
    setImmediate(() => {
      job.justWritten = false
    })
  }

  destroy(): void {
    this.#open = false
    this.#socket.destroy()
  }

  #onData(chunk: Buffer): void {
    // Bytes without a request: an unsolicited 408 before a close, for example.
    if (this.#job === null) this.destroy()
    else this.#take(this.#job.reader.push(chunk), this.#job.reused)
  }

  #onClosed(how: 'refused' | 'reset' | 'closed', peerHadClosed = false): void {
    this.#open = false
    const job = this.#job
    if (job === null) {
      this.destroy()
      return
    }
    const last: Reading = how === 'closed' ? job.reader.end() : { state: 'more' }
    if (last.state !== 'more') {
      this.#take(last, job.reused)
      return
    }
    const raced = job.reused && !job.reader.hasBytes && how !== 'refused' && (job.justWritten || peerHadClosed)
    if (raced) this.#finish({ error: 'keepalive-race', reused: true })
    else this.#finish({ error: job.reader.hasBytes ? 'truncated' : how, reused: job.reused })
  }

  #take(reading: Reading, reused: boolean): void {
    if (reading.state === 'broken') this.#finish({ error: 'protocol', reused })
    if (reading.state === 'done') this.#finish({ error: null, answer: reading.answer, reused })
  }

  #finish(ending: Ending): void {
    const job = this.#job
    if (job === null) return
    this.#job = null
    clearTimeout(job.timer)
    if (ending.error !== null || !ending.answer.keepAlive) this.destroy()
    job.done(ending)
  }
}
