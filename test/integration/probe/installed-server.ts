/** Servers as they are installed here: found, started in a folder of their own, and ended by their process id. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, chmodSync, chownSync, constants, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { ProbeResult } from '../../../src/core/health.ts'
import { upstreamId } from '../../../src/core/upstream.ts'
import type { Probe, ProbeTarget } from '../../../src/probe/probe.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { Signal } from '../../support/signal.ts'

/** Database servers refuse to run as root. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : null
const identity = nobody ?? {}

/** `folders`: where it may be beside the search path; patterns are allowed, and the last match counts. */
export function findProgram(name: string, ...folders: readonly string[]): string | null {
  const usual = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const everywhere = [...folders.flatMap((pattern) => globSync(pattern).sort().reverse()), ...usual, '/usr/sbin']
  return everywhere.map((folder) => join(folder, name)).find(isExecutable) ?? null
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Belongs to whoever the servers run as. */
export class Workspace {
  readonly path = mkdtempSync(join(tmpdir(), 'understudy-server-'))

  constructor() {
    this.own(this.path)
  }

  file(name: string, content = ''): string {
    const path = join(this.path, name)
    writeFileSync(path, content)
    chmodSync(path, 0o600)
    this.own(path)
    return path
  }

  /** Runs something to its end; throws when that is not a good one. */
  run(program: string, args: readonly string[], input = ''): void {
    const { status, stderr } = spawnSync(program, args, { ...identity, cwd: this.path, input, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`)
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }

  private own(path: string): void {
    if (nobody) chownSync(path, nobody.uid, nobody.gid)
  }
}

export class InstalledServer {
  output = ''
  private readonly child: ChildProcess
  private readonly signal = new Signal()

  constructor(program: string, args: readonly string[], workspace: Workspace) {
    this.child = spawn(program, args, { ...identity, cwd: workspace.path, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (bytes) => {
        this.output += bytes
        this.signal.notify()
      })
    }
    this.child.on('error', () => this.signal.notify())
    this.child.on('exit', () => this.signal.notify())
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

  /** By that signal; a server that does not obey is killed. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.ended) return
    const gone = once(this.child, 'close')
    this.send('SIGCONT')
    this.send(signal)
    const deadline = setTimeout(() => this.send('SIGKILL'), 10_000)
    await gone
    clearTimeout(deadline)
  }

  private get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined
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

export const atPort = (port: number): ProbeTarget => ({ id: upstreamId('blue'), host: '127.0.0.1', port, tls: null })

export const atSocket = (socketPath: string): ProbeTarget => ({
  id: upstreamId('blue'),
  host: '',
  port: 0,
  socketPath,
  tls: null,
})

/** What a probe finds, by the real clock, without the time it took. */
export async function ask(probe: Probe, target: ProbeTarget, timeout = 10_000) {
  // The timers of probes do not keep a process alive.
  const alive = setInterval(() => {}, 1_000)
  const { verdict, failure, detail } = await new Promise<ProbeResult>((resolve) =>
    probe(target, { timeout, clock: systemClock }, resolve),
  )
  clearInterval(alive)
  return { verdict, failure, detail: detail.replace(/ in \d+ ms/, '') }
}
