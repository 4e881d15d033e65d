// Folders for generated configuration and logs, removed when their user is done or, at the latest, when we exit.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type TemporaryFolder = { readonly path: string; remove(): void }

const present = new Set<string>()
let guarded = false

const remove = (path: string): void => {
  present.delete(path)
  rmSync(path, { recursive: true, force: true })
}

export const makeTemporaryFolder = (): TemporaryFolder => {
  if (!guarded) process.once('exit', () => present.forEach(remove))
  guarded = true
  const path = mkdtempSync(join(tmpdir(), 'understudy-bench-'))
  present.add(path)
  return { path, remove: () => remove(path) }
}
