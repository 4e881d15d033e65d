// A server that has stopped taking connections: its process is stopped and the kernel's queue for it is full, so a SYN is
// not answered at all. Needs Linux, which drops it; other kernels may refuse.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const SCRIPT = `
  const server = require('node:http').createServer((_, response) => response.end('well'))
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port))
  process.on('disconnect', () => process.exit())
`
const MOST = 16
const ANSWERS_WITHIN = 100

export class DeafPort {
  readonly port: number
  readonly #child: ChildProcess
  readonly #fillers: Socket[] = []

  private constructor(port: number, child: ChildProcess) {
    this.port = port
    this.#child = child
  }

  /** Hears well until `goDeaf`. */
  static async start(): Promise<DeafPort> {
    const child = spawn(process.execPath, ['-e', SCRIPT], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
    const [line] = (await once(child.stdout as NonNullable<typeof child.stdout>, 'data')) as [Buffer]
    return new DeafPort(Number(line.toString()), child)
  }

  /** False: this kernel goes on accepting. */
  async goDeaf(): Promise<boolean> {
    this.#child.kill('SIGSTOP')
    for (let count = 0; count < MOST; count++) if (!(await this.#accepts())) return true
    return false
  }

  /** Takes connections again. */
  hear(): void {
    for (const socket of this.#fillers) socket.destroy()
    this.#child.kill('SIGCONT')
  }

  #accepts(): Promise<boolean> {
    const socket = connect(this.port, '127.0.0.1')
    this.#fillers.push(socket)
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), ANSWERS_WITHIN)
      const answer = (accepted: boolean) => () => {
        clearTimeout(timer)
        resolve(accepted)
      }
      socket.once('connect', answer(true))
      socket.on('error', answer(true))
    })
  }

  async stop(): Promise<void> {
    for (const socket of this.#fillers) socket.destroy()
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }
}
