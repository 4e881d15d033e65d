/** Mail servers that keep their mail to themselves (`smtp-sink.ts`), and curl as their client. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { nodeBinary } from '../../../bench/process/node-binary.ts'
import type { Finished } from './client-program.ts'
import { ClientProgram } from './client-program.ts'
import { findProgram } from './installed-program.ts'
import { InstalledServer } from './installed-server.ts'
import type { Message, Mode } from './smtp-sink.ts'
import type { Workspace } from './workspace.ts'

const SINK = fileURLToPath(new URL('./smtp-sink.ts', import.meta.url))

export const mailPrograms = { curl: findProgram('curl') }

export class MailServer {
  readonly name: string
  private readonly modeFile: string
  private readonly server: InstalledServer

  private constructor(name: string, port: number, workspace: Workspace) {
    this.name = name
    this.modeFile = workspace.file(`${name}-mode`, 'normal')
    this.server = new InstalledServer(nodeBinary(), [SINK, String(port), name, this.modeFile], workspace)
  }

  static async start(name: string, workspace: Workspace, port = 0): Promise<MailServer> {
    const server = new MailServer(name, port, workspace)
    await server.server.says(/"listening":.*\n/)
    return server
  }

  get port(): number {
    return Number(/"port":(\d+)/.exec(this.server.output)?.[1])
  }

  get messages(): readonly Message[] {
    const lines = this.server.output.split('\n').filter((line) => line.startsWith('{"accepted":'))
    return lines.map((line) => (JSON.parse(line) as { accepted: Message }).accepted)
  }

  /** For connections from now on. */
  behave(mode: Mode): void {
    writeFileSync(this.modeFile, mode)
  }

  /** Resolves when it has accepted a message, whether it has said so or not. */
  hasMessage(): Promise<void> {
    return this.server.says(/"accepted":.*\n/)
  }

  kill(): Promise<void> {
    return this.server.kill()
  }

  stop(): Promise<void> {
    return this.server.stop()
  }
}

/** `from`: the address of this machine that the client uses. */
export function sendMail(port: number, subject: string, from = '127.0.0.1'): ClientProgram {
  const addresses = ['--mail-from', 'alice@example.com', '--mail-rcpt', 'bob@example.com']
  const args = ['-sS', '--interface', from, ...addresses, '-T', '-', `smtp://127.0.0.1:${port}`]
  const client = new ClientProgram(mailPrograms.curl ?? '', args)
  client.write(`Subject: ${subject}\r\n\r\nHello.\r\n`, true)
  return client
}

export const SENT: Finished = { code: 0, stdout: '', stderr: '' }
