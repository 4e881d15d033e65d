import { existsSync, readFileSync } from 'node:fs'
import { join, normalize } from 'node:path'
import { expect, test } from 'vitest'
import { anchorsOf, pages, root } from './pages.ts'

const links = pages.flatMap(({ path, folder, text }) =>
  [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => ({ from: path, folder, target })),
)

test('there are pages and links to check', () => {
  expect(pages.length).toBeGreaterThan(12)
  expect(links.length).toBeGreaterThan(40)
})

test.each(links)('$from links to $target, which exists', ({ from, folder, target }) => {
  const [file = '', anchor] = target.split('#')
  const path = file === '' ? from : normalize(join(folder, file))
  expect(existsSync(join(root, path)), path).toBe(true)
  if (anchor !== undefined) expect([...anchorsOf(readFileSync(join(root, path), 'utf8'))]).toContain(anchor)
})

test('the index links to every page in docs', () => {
  const targets = links.filter(({ from }) => from === 'docs/README.md').map(({ target }) => join('docs', target))
  const others = pages.map(({ path }) => path).filter((path) => path.startsWith('docs/') && path !== 'docs/README.md')
  for (const path of others) expect(targets).toContain(path)
})
