/** A server as it is installed here: started in a folder of its own, and ended by its process id. */
import { type ChildProcess, spawn } from 'node:child_process'
import { type AddressInfo, createServer } from 'node:net'
import { Signal } from '../signal.ts'
import { identity } from './installed-program.ts'
import { lastAct } from './last-act.ts'
import { signalTree } from './process-tree.ts'
import type { Workspace } from './workspace.ts'

export class InstalledServer {
  output = ''
  private readonly child: ChildProcess
  private readonly closed: Promise<unknown>
  private readonly signal = new Signal()

  constructor(program: string, args: readonly string[], workspace: Workspace) {
    this.child = spawn(program, args, { ...identity, cwd: workspace.path, stdio: ['ignore', 'pipe', 'pipe'] })
    this.closed = new Promise((resolve) => this.child.once('close', resolve))
    const spared = lastAct(() => this.toAll('SIGKILL'))
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (bytes) => {
        this.output += bytes
        this.signal.notify()
      })
    }
    this.child.on('error', () => this.signal.notify())
    this.child.on('exit', () => {
      spared()
      this.signal.notify()
    })
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined
  }

  /** Waits until the server says so, after what it has said before. */
  async says(pattern: RegExp, from = 0): Promise<void> {
    const found = () => pattern.test(this.output.slice(from)) || this.ended
    await this.signal.until(found, `${pattern} in the output of the server`, 15_000)
    if (!pattern.test(this.output.slice(from))) throw new Error(`the server has ended: ${this.output}`)
  }

  send(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** To the server and all its processes. */
  toAll(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    if (!this.ended && this.child.pid !== undefined) signalTree(this.child.pid, signal)
  }

  /** With all its processes, as if the machine had lost its power. */
  async kill(): Promise<void> {
    this.toAll('SIGKILL')
    await this.closed
  }

  /** By that signal; a server that does not obey is killed. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.ended) return
    this.toAll('SIGCONT')
    this.send(signal)
    const deadline = setTimeout(() => this.toAll('SIGKILL'), 10_000)
    await this.closed
    clearTimeout(deadline)
  }
}

/** For servers that cannot be told to choose a port themselves. */
export async function vacantPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  return port
}
