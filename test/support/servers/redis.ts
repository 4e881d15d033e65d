/** Redis servers without a disk, and the clients that come with them. */
import type { Finished } from './client-program.ts'
import { ClientProgram } from './client-program.ts'
import { findProgram } from './installed-program.ts'
import { InstalledServer, vacantPort } from './installed-server.ts'
import type { Workspace } from './workspace.ts'

export const redisPrograms = {
  'redis-server': findProgram('redis-server'),
  'redis-cli': findProgram('redis-cli'),
  'redis-benchmark': findProgram('redis-benchmark'),
}

export class RedisServer {
  readonly name: string
  readonly port: number
  private readonly server: InstalledServer

  private constructor(name: string, port: number, workspace: Workspace) {
    this.name = name
    this.port = port
    const args = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      workspace.path,
      '--save',
      '',
      '--repl-diskless-sync-delay',
      '0',
    ]
    this.server = new InstalledServer(redisPrograms['redis-server'] ?? '', args, workspace)
  }

  /** Says its name to whoever asks for the key `name`. */
  static async start(name: string, workspace: Workspace): Promise<RedisServer> {
    const server = new RedisServer(name, await vacantPort(), workspace)
    await server.server.says(/ready to accept connections/i)
    await redisCli(server.port, 'set', 'name', name)
    return server
  }

  freeze(): void {
    this.server.toAll('SIGSTOP')
  }

  kill(): Promise<void> {
    return this.server.kill()
  }

  stop(): Promise<void> {
    return this.server.stop()
  }
}

/** `-e`: an error that the server answers is one in the exit code too. */
export function redisCli(port: number, ...command: readonly string[]): Promise<Finished> {
  const args = ['-e', '-h', '127.0.0.1', '-p', String(port), ...command]
  return ClientProgram.run(redisPrograms['redis-cli'] ?? '', args)
}

/** One that reads its commands from its input, and stays. */
export function redisSession(port: number): ClientProgram {
  return new ClientProgram(redisPrograms['redis-cli'] ?? '', ['-h', '127.0.0.1', '-p', String(port)])
}

export function redisBenchmark(port: number, ...args: readonly string[]): ClientProgram {
  const all = ['-h', '127.0.0.1', '-p', String(port), '-q', ...args]
  return new ClientProgram(redisPrograms['redis-benchmark'] ?? '', all)
}
