/** An upstream of a rehearsal, in this process: answers at once, except to who is to be in flight when it fails. */
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** `cuts-off`: every connection is closed, new ones as well. `refuses`: 503 to all. */
export type StageFault = 'cuts-off' | 'refuses'

/** Requests below it wait for the fault of whoever is to fail. */
export const WAITING_PATH = '/waiting'

export class StandIn {
  private readonly willFail: boolean
  private fault: StageFault | null = null
  private readonly sockets = new Set<Socket>()
  private readonly waiting: http.ServerResponse[] = []
  private onWaiting: () => void = () => {}
  private readonly server = http.createServer((request, response) => {
    request.resume().once('end', () => this.answer(request.url ?? '', response))
  })

  constructor(plot: Readonly<{ willFail: boolean }>) {
    this.willFail = plot.willFail
  }

  /** Resolves with its URL. */
  async start(): Promise<string> {
    this.server.on('connection', (socket: Socket) => this.admit(socket))
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
    if (fault === 'cuts-off') for (const socket of this.sockets) socket.destroy()
    for (const response of this.waiting.splice(0)) this.answer('', response)
  }

  stop(): void {
    this.server.close()
    this.server.closeAllConnections()
  }

  private admit(socket: Socket): void {
    if (this.fault === 'cuts-off') {
      socket.destroy()
      return
    }
    this.sockets.add(socket)
    socket.once('close', () => this.sockets.delete(socket))
  }

  private answer(path: string, response: http.ServerResponse): void {
    if (this.willFail && this.fault === null && path.startsWith(WAITING_PATH)) {
      this.waiting.push(response)
      this.onWaiting()
    } else response.writeHead(this.fault === null ? 200 : 503).end()
  }
}
