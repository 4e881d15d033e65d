/** What is installed here, and as whom it is run. */
import { accessSync, constants, existsSync, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Database servers refuse to run as root. */
export const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : null
/** For `spawn`. */
export const identity = nobody ?? {}

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

export type Needed = Readonly<Record<string, string | null>>

/** For `describe.skipIf`: says on the output, and in the title, why these tests do not run. */
export function requires(what: string, needed: Needed): Readonly<{ missing: boolean; title: string }> {
  const absent = Object.entries(needed).flatMap(([name, found]) => (found === null ? [name] : []))
  // Whole servers are stopped by what Linux tells about their processes.
  if (!existsSync('/proc/self/stat')) absent.push('/proc')
  if (absent.length === 0) return { missing: false, title: what }
  const reason = `skipped: not here: ${absent.join(', ')}; see test/servers/install.sh`
  console.log(`${what}: ${reason}`)
  return { missing: true, title: `${what} (${reason})` }
}
