import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { createProgram } from '../../../src/cli/program.ts'
import { pages, root } from './pages.ts'

const program = createProgram()
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

/** The words after the command, up to a pipe, a comment or the next command. */
const USES = /(?:^|[\s(])(?:npx )?understudy(?:\.js)? +([^|#&;]*)/g

const uses = pages.flatMap(({ path, code }) =>
  code.flatMap((line) =>
    [...line.replace(/"[^"]*"/g, 'TEXT').matchAll(USES)].map(([, use = '']) => ({
      from: path,
      use: use.trim(),
      words: use.trim().split(/\s+/),
    })),
  ),
)

function commandOf(words: readonly string[]): Command {
  const [name = ''] = words
  if (name.startsWith('-') || /^[A-Z]+$/.test(name)) return program
  const found = program.commands.find((command) => command.name() === name)
  if (!found) throw new Error(`there is no command ${name}`)
  return found
}

test('the pages mention most commands', () => {
  expect(new Set(uses.map(({ words }) => words[0])).size).toBeGreaterThan(10)
})

test.each(uses)('$from: `understudy $use` is a command with these options', ({ words }) => {
  const command = commandOf(words)
  const known = [...command.options.map(({ long }) => long), '--help']
  for (const word of words) if (word.startsWith('--')) expect(known).toContain(word)
})

const runs = pages.flatMap(({ path, code }) =>
  code.flatMap((line) => [...line.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name = '']) => ({ from: path, name }))),
)

test.each(runs)('$from: `npm run $name` is a script', ({ name }) => {
  expect(scripts).toHaveProperty([name])
})
