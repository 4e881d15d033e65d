import { expect, test } from 'vitest'
import { formatProblem, parseConfig } from '../../../src/config/load.ts'
import { pages } from './pages.ts'

/** Whole ones. The reference page shows parts as well. */
const whole = pages.flatMap(({ path, blocks }) =>
  blocks
    .filter(({ language, text }) => language === 'yaml' && /^pools:/m.test(text) && /^listeners:/m.test(text))
    .map(({ text }, index) => ({ from: path, number: index + 1, text })),
)

test('the pages show whole configurations', () => {
  expect(whole.length).toBeGreaterThan(2)
})

test.each(whole)('configuration $number of $from is valid', ({ from, text }) => {
  const result = parseConfig(text, { file: from, env: {} })
  expect(result.ok ? [] : result.problems.map(formatProblem)).toEqual([])
  expect(result.ok && result.warnings).toEqual([])
})

test('only the generated reference page shows parts of a configuration', () => {
  const parts = pages.flatMap(({ path, blocks }) =>
    blocks.filter(({ text }) => /^pools:/m.test(text) && !/^listeners:/m.test(text)).map(() => path),
  )
  expect([...new Set(parts)]).toEqual(['docs/configuration.md'])
})
