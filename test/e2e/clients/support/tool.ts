// Programs of other people. Where one is missing, a test that needs it is skipped, and says so.
import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

export type ToolRun = { readonly code: number; readonly stdout: string; readonly stderr: string }

const LONGEST_MS = 40_000

/** Its path, or null where it is not installed. */
export function pathOf(program: string): string | null {
  const paths = (process.env.PATH ?? '').split(':').map((folder) => join(folder, program))
  return paths.find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** `skip`: of a test’s context. */
export function skipWithout(programs: readonly string[], skip: (note: string) => void): void {
  const missing = programs.filter((program) => pathOf(program) === null)
  if (missing.length === 0) return
  const note = `not installed: ${missing.join(', ')}`
  console.log(`skipped, ${note}`)
  skip(note)
}

export function runTool(
  program: string,
  args: readonly string[],
  options: {
    readonly cwd?: string
    readonly input?: string | Buffer
    readonly env?: Readonly<Record<string, string>>
  } = {},
): Promise<ToolRun> {
  const { input = '', env = {}, ...rest } = options
  return new Promise((resolve) => {
    const settings = { ...rest, timeout: LONGEST_MS, maxBuffer: 64 * 1_048_576, env: { ...process.env, ...env } }
    const child = execFile(program, args, settings, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout, stderr })
    })
    // Whoever does not read has ended already, and its exit code says how.
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}
