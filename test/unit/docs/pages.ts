/** The pages that people read, and what is in them. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../../', import.meta.url))

export type Page = Readonly<{
  /** From the root of the repository. */
  path: string
  folder: string
  text: string
  /** Fenced blocks, with the language if one is given. */
  blocks: readonly Readonly<{ language: string; text: string }>[]
  /** Lines of fenced blocks, and `inline` code. Programs are not among them: what they say is no command. */
  code: readonly string[]
}>

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm

function readPage(path: string): Page {
  const text = readFileSync(join(root, path), 'utf8')
  const blocks = [...text.matchAll(FENCE)].map(([, language = '', body = '']) => ({ language, text: body }))
  const inline = [...text.replace(FENCE, '').matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
  return {
    path,
    folder: dirname(path),
    text,
    blocks,
    code: [...blocks.filter(({ language }) => language !== 'ts').flatMap((block) => block.text.split('\n')), ...inline],
  }
}

function pagesIn(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
}

export const pages: readonly Page[] = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'bench/README.md',
  ...pagesIn('docs'),
].map(readPage)

export function page(path: string): Page {
  const found = pages.find((each) => each.path === path)
  if (!found) throw new Error(`there is no page ${path}`)
  return found
}

/** As GitHub makes them. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const headings = text.replace(FENCE, '').matchAll(/^#{1,6} (.+)$/gm)
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}
