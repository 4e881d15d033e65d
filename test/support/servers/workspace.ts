/** A folder for servers and their clients, that belongs to whoever the servers run as. */
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identity, nobody } from './installed-program.ts'
import { lastAct } from './last-act.ts'

export class Workspace {
  readonly path = mkdtempSync(join(tmpdir(), 'understudy-server-'))

  private readonly spared = lastAct(() => this.remove())

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

  script(name: string, content: string): string {
    const path = this.file(name, content)
    chmodSync(path, 0o755)
    return path
  }

  folder(name: string): string {
    const path = join(this.path, name)
    mkdirSync(path)
    this.own(path)
    return path
  }

  /** Runs something to its end; throws when that is not a good one. */
  run(program: string, args: readonly string[], input = ''): void {
    const { status, stderr } = spawnSync(program, args, { ...identity, cwd: this.path, input, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`)
  }

  remove(): void {
    this.spared()
    rmSync(this.path, { recursive: true, force: true })
  }

  private own(path: string): void {
    if (nobody) chownSync(path, nobody.uid, nobody.gid)
  }
}
