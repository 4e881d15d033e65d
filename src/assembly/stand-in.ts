/**
 * An upstream of a rehearsal, in this process: answers at once, except to who is to be in flight when it fails. On plain
 * sockets: Node's HTTP would show the code that all sockets share more kinds of them than it can be compiled well for.
 */
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'

/** `cuts-off`: every connection is closed, new ones as well. `refuses`: 503 to all. */
export type StageFault = 'cuts-off' | 'refuses'

/** Requests below it wait for the fault of whoever is to fail. */
export const WAITING_PATH = '/waiting'

const WELL = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
const REFUSAL = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'

export class StandIn {
  private readonly willFail: boolean
  private fault: StageFault | null = null
  private readonly sockets = new Set<Socket>()
  private readonly waiting: Socket[] = []
  private onWaiting: () => void = () => {}
  private readonly server = createServer({ noDelay: true }, (socket) => this.admit(socket))

  constructor(plot: Readonly<{ willFail: boolean }>) {
    this.willFail = plot.willFail
  }

  /** Resolves with its URL. */
  async start(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject).listen(0, '127.0.0.1', resolve)
    })
    const { port } = this.server.address() as AddressInfo
    return `http://127.0.0.1:${port}`
  }

  /** Resolves once that many requests wait for the fault. */
  async occupied(requests: number): Promise<void> {
    while (this.waiting.length < requests) {
      await new Promise<void>((resolve) => {
        this.onWaiting = resolve
      })
    }
  }

  fail(fault: StageFault): void {
    this.fault = fault
    if (fault === 'cuts-off') return this.cutOff()
    for (const socket of this.waiting.splice(0)) socket.write(REFUSAL)
  }

  stop(): void {
    this.server.close()
    this.cutOff()
  }

  private cutOff(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  private admit(socket: Socket): void {
    socket.on('error', () => {})
    if (this.fault === 'cuts-off') {
      socket.destroy()
      return
    }
    this.sockets.add(socket)
    socket.once('close', () => this.sockets.delete(socket))
    // A request comes whole: head and body are written together, and they are short.
    socket.setEncoding('latin1').on('data', (request: string) => this.answer(request, socket))
  }

  private answer(request: string, socket: Socket): void {
    const waits = this.willFail && this.fault === null && request.split(' ', 2)[1]?.startsWith(WAITING_PATH)
    if (waits) {
      this.waiting.push(socket)
      this.onWaiting()
    } else socket.write(this.fault === null ? WELL : REFUSAL)
  }
}
