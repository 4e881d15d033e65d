/** A client as it is installed here: `psql`, `redis-cli`, … Its time is bounded, so that a hang fails a test and no more. */
import { type ChildProcess, spawn } from 'node:child_process'
import { Signal } from '../signal.ts'
import { lastAct } from './last-act.ts'

export type Finished = Readonly<{ code: number | null; stdout: string; stderr: string }>

export type ClientOptions = Readonly<{ env?: Readonly<Record<string, string>>; milliseconds?: number }>

export class ClientProgram {
  stdout = ''
  stderr = ''
  readonly finished: Promise<Finished>
  private readonly child: ChildProcess
  private readonly signal = new Signal()

  constructor(program: string, args: readonly string[], { env = {}, milliseconds = 20_000 }: ClientOptions = {}) {
    this.child = spawn(program, args, { env: { ...process.env, LC_ALL: 'C', ...env }, stdio: 'pipe' })
    const spared = lastAct(() => this.end())
    const deadline = setTimeout(() => this.end(), milliseconds)
    this.child.stdout?.on('data', (bytes) => this.heard('stdout', bytes))
    this.child.stderr?.on('data', (bytes) => this.heard('stderr', bytes))
    // One that has ended is written to in vain; its exit says why.
    this.child.stdin?.on('error', () => {})
    this.finished = new Promise((resolve, reject) => {
      this.child.once('error', reject)
      this.child.once('close', (code) => {
        clearTimeout(deadline)
        spared()
        this.signal.notify()
        resolve({ code, stdout: this.stdout, stderr: this.stderr })
      })
    })
  }

  static run(program: string, args: readonly string[], options: ClientOptions = {}): Promise<Finished> {
    const client = new ClientProgram(program, args, options)
    client.write('', true)
    return client.finished
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  write(text: string, last = false): void {
    this.child.stdin?.write(text)
    if (last) this.child.stdin?.end()
  }

  /** Waits until it has said so, on either stream. */
  async says(pattern: RegExp): Promise<void> {
    const said = () => pattern.test(this.stdout) || pattern.test(this.stderr)
    await this.signal.until(() => said() || this.ended, `${pattern} from the client`, 10_000)
    if (!said()) throw new Error(`the client has ended: ${this.stdout}${this.stderr}`)
  }

  interrupt(): void {
    this.child.kill('SIGINT')
  }

  end(): void {
    this.child.kill('SIGKILL')
  }

  private heard(stream: 'stdout' | 'stderr', bytes: Buffer): void {
    this[stream] += bytes
    this.signal.notify()
  }
}
