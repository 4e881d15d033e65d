/** `node src/config/generate.ts [--check]`: writes what is generated from the schema, or tells that it is out of date. */
import { readFileSync, writeFileSync } from 'node:fs'
import { editorSchema, referencePage } from './reference.ts'

const ROOT = new URL('../../', import.meta.url)

type Artifact = Readonly<{ path: string; text: string }>

const artifacts = (): readonly Artifact[] => [
  { path: 'config/schema.json', text: editorSchema() },
  { path: 'docs/configuration.md', text: referencePage() },
]

/** Paths of the generated files that are not what the schema says now. */
export function staleFiles(root: URL = ROOT): readonly string[] {
  return artifacts()
    .filter(({ path, text }) => contentOf(new URL(path, root)) !== text)
    .map(({ path }) => path)
}

function contentOf(file: URL): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function main(check: boolean): void {
  if (!check) {
    for (const { path, text } of artifacts()) writeFileSync(new URL(path, ROOT), text)
    return
  }
  const stale = staleFiles()
  for (const path of stale) console.error(`${path} is not what the schema says; run: node src/config/generate.ts`)
  if (stale.length > 0) process.exitCode = 1
}

if (import.meta.main) main(process.argv.includes('--check'))
