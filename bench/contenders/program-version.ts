// Asks a program for its version; null when it is not installed.
import { spawnSync } from 'node:child_process'

export const programVersion = (command: string, args: readonly string[], pattern: RegExp): string | null => {
  const result = spawnSync(command, args, { encoding: 'utf8' })
  if (result.error) return null
  return pattern.exec(`${result.stdout}${result.stderr}`)?.[1] ?? 'unknown'
}
