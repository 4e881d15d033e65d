// Asks a program for its version, or only whether it is there.
import { spawnSync } from 'node:child_process'

/** Null when it is not installed. */
export const programVersion = (command: string, args: readonly string[], pattern: RegExp): string | null => {
  const result = spawnSync(command, args, { encoding: 'utf8' })
  if (result.error) return null
  return pattern.exec(`${result.stdout}${result.stderr}`)?.[1] ?? 'unknown'
}

export const isInstalled = (tool: string): boolean => programVersion(tool, ['-v'], /(.)/) !== null
