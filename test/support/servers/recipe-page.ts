/** What the tests of recipes have in common, beside carrying them out. */
import { expect } from 'vitest'
import type { Done } from '../../e2e/clients/support/recipe.ts'
import { page } from '../../unit/docs/pages.ts'

/** The fenced blocks of a page of docs/recipes, by their language. */
export function pageBlocks(name: string): (language: string) => readonly string[] {
  const { blocks } = page(`docs/recipes/${name}`)
  return (language) => blocks.filter((block) => block.language === language).map(({ text }) => text)
}

export function expectAsWritten(done: readonly Done[]): void {
  for (const { command, prints, code, output } of done) {
    const seen = `${command}\n${output}`
    expect([code, seen]).toEqual([0, seen])
    for (const text of prints) expect(output, command).toContain(text)
  }
}
