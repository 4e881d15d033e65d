/** The command line as people run it: a child process, its output and its end. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const COMMAND = fileURLToPath(new URL('../../../src/cli/understudy.js', import.meta.url))

export type Ended = Readonly<{ code: number | null; signal: string | null; out: string; err: string }>

export type Running = Readonly<{
  child: ChildProcess
  out(): string
  err(): string
  /** Resolves with the whole output so far once it contains this. */
  says(pattern: RegExp): Promise<string>
  ended: Promise<Ended>
}>

type Options = Readonly<{ env?: Record<string, string>; cwd?: string }>

export const emptyDir = (): string => mkdtempSync(join(tmpdir(), 'understudy-cli-'))

export function start(args: readonly string[], { env = {}, cwd = emptyDir() }: Options = {}): Running {
  const { FORCE_COLOR: _, NO_COLOR: __, ...inherited } = process.env
  const child = spawn(process.execPath, [COMMAND, ...args], { cwd, env: { ...inherited, ...env } })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, out, err }))
  })
  const says = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        if (pattern.test(out)) resolve(out)
      }
      child.stdout.on('data', look)
      child.on('close', () => reject(new Error(`ended without saying ${pattern}:\n${out}\n${err}`)))
      look()
    })
  return { child, out: () => out, err: () => err, says, ended }
}

export const run = (args: readonly string[], options?: Options): Promise<Ended> => start(args, options).ended

/** Ports that nobody used a moment ago. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
        }),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
